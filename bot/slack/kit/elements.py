"""Block Kit's text objects, elements and rich text as models: fields, and how long and how many.

Facts: Slack, "Block Kit reference"; limits as in slack_sdk.models.blocks. A field that is not here is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Id = Annotated[str, Field(max_length=255)]
Url = Annotated[str, Field(min_length=1, max_length=3000)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


# Text objects. Their own limit is 3000; where they stand narrows it.


class PlainText(Part):
    type: Literal["plain_text"]
    text: str = Field(min_length=1, max_length=3000)
    emoji: bool | None = None


class Mrkdwn(Part):
    type: Literal["mrkdwn"]
    text: str = Field(min_length=1, max_length=3000)
    verbatim: bool | None = None


Text = Annotated[PlainText | Mrkdwn, Field(discriminator="type")]


def at_most(longest: int) -> Any:
    """A limit on a text object's text that is tighter than its own."""

    def check(value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("text"), str) and len(value["text"]) > longest:
            raise PydanticCustomError("slack", f"must be less than {longest + 1} characters", {"below": "text"})
        return value

    return BeforeValidator(check)


class Confirm(Part):
    title: Annotated[PlainText, at_most(100)]
    text: Annotated[Text, at_most(300)]
    confirm: Annotated[PlainText, at_most(30)] | None = None
    deny: Annotated[PlainText, at_most(30)] | None = None
    style: Literal["primary", "danger"] | None = None


class Option(Part):
    text: Annotated[Text, at_most(75)]
    value: str = Field(min_length=1, max_length=150)
    description: Annotated[Text, at_most(75)] | None = None
    url: Url | None = None


class OptionGroup(Part):
    label: Annotated[PlainText, at_most(75)]
    options: list[Option] = Field(min_length=1, max_length=100)


# Elements


class Element(Part):
    action_id: Id | None = None


class ButtonElement(Element):
    type: Literal["button"]
    text: Annotated[PlainText, at_most(75)]
    url: Url | None = None
    value: str | None = Field(None, max_length=2000)
    style: Literal["primary", "danger"] | None = None
    confirm: Confirm | None = None
    accessibility_label: str | None = Field(None, max_length=75)


class Overflow(Element):
    type: Literal["overflow"]
    options: list[Option] = Field(min_length=1, max_length=5)
    confirm: Confirm | None = None


def _check_initial(options: list[Option] | None, groups: list[OptionGroup] | None, *initial: Option | None) -> None:
    known = [*(options or ()), *(option for group in groups or () for option in group.options)]
    if any(option is not None and option not in known for option in initial):
        raise PydanticCustomError("slack", "initial options must be among the options")


class Choices(Element):
    type: Literal["radio_buttons", "checkboxes"]
    options: list[Option] = Field(min_length=1, max_length=10)
    initial_option: Option | None = None
    initial_options: list[Option] | None = None
    confirm: Confirm | None = None
    focus_on_load: bool | None = None

    @model_validator(mode="after")
    def _initial_is_an_option(self) -> Choices:
        _check_initial(self.options, None, self.initial_option, *(self.initial_options or ()))
        return self


class Select(Element):
    placeholder: Annotated[PlainText, at_most(150)] | None = None
    confirm: Confirm | None = None
    focus_on_load: bool | None = None


class StaticSelect(Select):
    type: Literal["static_select", "multi_static_select"]
    options: list[Option] | None = Field(None, min_length=1, max_length=100)
    option_groups: list[OptionGroup] | None = Field(None, min_length=1, max_length=100)
    initial_option: Option | None = None
    initial_options: list[Option] | None = None
    max_selected_items: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _one_source(self) -> StaticSelect:
        if (self.options is None) == (self.option_groups is None):
            raise PydanticCustomError("slack", "exactly one of options and option_groups must be provided")
        _check_initial(self.options, self.option_groups, self.initial_option, *(self.initial_options or ()))
        return self


class ExternalSelect(Select):
    type: Literal["external_select", "multi_external_select"]
    initial_option: Option | None = None
    initial_options: list[Option] | None = None
    min_query_length: int | None = Field(None, ge=0)
    max_selected_items: int | None = Field(None, ge=1)


class ConversationFilter(Part):
    include: list[Literal["im", "mpim", "private", "public"]] | None = Field(None, min_length=1)
    exclude_external_shared_channels: bool | None = None
    exclude_bot_users: bool | None = None


class ConversationSelect(Select):
    type: Literal["conversations_select"]
    initial_conversation: str | None = None
    default_to_current_conversation: bool | None = None
    filter: ConversationFilter | None = None
    response_url_enabled: bool | None = None


class PersonSelect(Select):
    type: Literal["users_select", "multi_users_select", "channels_select"]
    initial_user: str | None = None
    initial_users: list[str] | None = None
    initial_channel: str | None = None
    response_url_enabled: bool | None = None
    max_selected_items: int | None = Field(None, ge=1)


class DatePicker(Select):
    type: Literal["datepicker", "timepicker"]
    initial_date: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    initial_time: str | None = Field(None, pattern=r"^\d{2}:\d{2}$")
    timezone: str | None = None


class MomentPicker(Element):
    """A day and a time of day in the person's own zone; seconds since 1970, of ten digits. It has no placeholder."""

    type: Literal["datetimepicker"]
    initial_date_time: int | None = Field(None, ge=10**9, lt=10**10)
    confirm: Confirm | None = None
    focus_on_load: bool | None = None


class TextInput(Select):
    type: Literal["plain_text_input"]
    initial_value: str | None = Field(None, max_length=3000)
    multiline: bool | None = None
    min_length: int | None = Field(None, ge=0, le=3000)
    max_length: int | None = Field(None, ge=1, le=3000)
    dispatch_action_config: dict[str, Any] | None = None


class Image(Part):
    type: Literal["image"]
    image_url: Url | None = None
    slack_file: dict[str, Any] | None = None
    alt_text: str = Field(max_length=2000)


Picker = StaticSelect | ExternalSelect | ConversationSelect | PersonSelect | DatePicker | MomentPicker
Interactive = Annotated[ButtonElement | Overflow | Choices | Picker, Field(discriminator="type")]
Accessory = Annotated[ButtonElement | Overflow | Choices | Picker | Image, Field(discriminator="type")]
Input = Annotated[TextInput | Choices | Picker, Field(discriminator="type")]
InContext = Annotated[PlainText | Mrkdwn | Image, Field(discriminator="type")]


# Rich text


class Style(Part):
    bold: bool | None = None
    italic: bool | None = None
    strike: bool | None = None
    code: bool | None = None
    underline: bool | None = None


class RichText(Part):
    type: Literal["text"]
    text: str = Field(min_length=1)
    style: Style | None = None


class RichLink(Part):
    type: Literal["link"]
    url: Url
    text: str | None = None
    style: Style | None = None
    unsafe: bool | None = None


class RichReference(Part):
    type: Literal["user", "channel", "usergroup", "broadcast", "emoji"]
    user_id: str | None = None
    channel_id: str | None = None
    usergroup_id: str | None = None
    range: Literal["here", "channel", "everyone"] | None = None
    name: str | None = None
    unicode: str | None = None
    style: Style | None = None


class RichDate(Part):
    type: Literal["date"]
    timestamp: int
    format: str
    url: str | None = None
    fallback: str | None = None
    style: Style | None = None


Inline = Annotated[RichText | RichLink | RichReference | RichDate, Field(discriminator="type")]


class RichSection(Part):
    type: Literal["rich_text_section", "rich_text_quote", "rich_text_preformatted"]
    elements: list[Inline]
    border: int | None = None


class RichList(Part):
    type: Literal["rich_text_list"]
    elements: list[RichSection]
    style: Literal["bullet", "ordered"]
    indent: int | None = None
    offset: int | None = None
    border: int | None = None
