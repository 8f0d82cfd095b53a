from bot.command import Arguments, Context, HostName, PreparationPlan, command
from bot.core import preparation


class Prepare(Arguments):
    host: HostName
    back: bool = False


@command("prepare <host> [back]", action="host.prepare", examples=("prepare host01", "prepare host01 back"))
def prepare(ask: Prepare, context: Context) -> PreparationPlan:
    """Set up a host for migrations, as far as that is safe from afar; or put back what that has set.

    Live migration is enabled, with Kerberos where the host is in a domain, compression instead of plain TCP/IP, limits
    of at least 2, and any network where none is listed. Ferry shows each setting before and after, and waits until
    someone confirms. Nothing else of a host can be changed through chat.
    """
    (checkup,) = context.hosts.check([ask.host])
    text = prepare.usage.write(ask.model_copy(update={"host": checkup.host}))
    if ask.back:
        return preparation.plan_back(checkup, text, context.operations.last_preparation(checkup.host))
    return preparation.plan_preparation(checkup, text)
