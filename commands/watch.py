from bot.command import Arguments, Context, VmName, Watch, command
from bot.core import lookup


class WatchThing(Arguments):
    what: VmName


@command("watch <what>", action="notice.watch", examples=("watch VM-01", "watch host01"))
def watch(ask: WatchThing, context: Context) -> Watch:
    """Have Ferry tell you, in a direct message, what happens to a virtual machine or to a host.

    Of operations that touch it: that they are confirmed, how they end, that they need attention; of a host also that it
    gives no answer any more, and answers again. `unwatch` ends it; `watching` lists what you watch.
    """
    estate = context.hosts.estate()
    names = [seen.host for seen in estate.hosts]
    said = ask.what.casefold()
    if host := next((name for name in names if said in (name, name.partition(".")[0])), None):
        return Watch(kind="host", what=host, name=host)
    known = lookup.find_vms(estate, ask.what)
    found = lookup.pick_vm(estate if known else context.hosts.refreshed(), ask.what, context.now)
    return Watch(kind="vm", what=found.id, name=found.name)
