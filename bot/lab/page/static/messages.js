// A message as a row: who, when, what it shows, its files, and the way into its thread.

import { blocks } from "./blocks.js";
import { byId, el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

const TOGETHER_S = 300; // what one person says within it needs no name again

export const keyOf = (message) => `${message.channel} ${message.ts}`;
export const byAge = (one, other) => Number(one.ts) - Number(other.ts);

// Rows for a list of messages: what `keep` compares is a new object wherever the row would look different. In a thread
// (with `parent`) there are no days, and what the app says continues as what people say does.
export function rows(messages, repliesTo, earlier, parent) {
  return messages.map((message, number) => {
    const before = messages[number - 1];
    const row = {
      message,
      replies: repliesTo(message),
      continues: Boolean(before) && before !== parent && (Boolean(parent) || !message.bot_id) && follows(message, before),
      day: !parent && (!before || day(before) !== day(message)) ? day(message) : "",
    };
    const known = earlier.get(keyOf(message));
    const same =
      known && known.message === message && known.replies === row.replies && known.continues === row.continues && known.day === row.day;
    if (!same) earlier.set(keyOf(message), row);
    return same ? known : row;
  });
}

const follows = (message, before) =>
  message.user === before.user && !message.only_for && !before.only_for && message.ts - before.ts < TOGETHER_S;

const day = (message) => moment(message).toDateString();
const moment = (message) => new Date(Number(message.ts) * 1000);

export function draw({ message, replies, continues, day: heading }, context) {
  const person = context.person(message.user);
  const shown = moment(message);
  const time = el(
    "time",
    { datetime: shown.toISOString(), title: shown.toLocaleString() },
    shown.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }),
  );
  const by = el(
    "div",
    { class: "by" },
    el("span", { class: "name" }, person.name),
    person.is_bot ? el("span", { class: "badge" }, "APP") : null,
    time,
    message.edited && !message.bot_id ? el("span", { class: "muted" }, "(edited)") : null,
  );
  return el(
    "li",
    { class: `message ${message.only_for ? "whisper" : ""} ${continues && !heading ? "continues" : ""}` },
    heading ? el("div", { class: "day" }, el("span", {}, heading === new Date().toDateString() ? "Today" : heading)) : null,
    el(
      "article",
      { "aria-label": `${person.name}, ${time.textContent}` },
      avatar(person),
      el(
        "div",
        { class: "content" },
        message.only_for ? el("p", { class: "only" }, "Only visible to you") : null,
        by,
        el("div", { class: "blocks" }, content(message, context)),
        (message.files ?? []).map(file),
        reactions(message),
        thread(message, replies, context),
        own(message, context),
      ),
    ),
  );
}

export function avatar(person) {
  if (person.is_bot) return el("img", { class: "avatar", src: "/page/ferry.svg", alt: "", width: "36", height: "36" });
  return el("span", { class: `avatar hue-${person.hue % 6}`, "aria-hidden": "true" }, person.name.slice(0, 1).toUpperCase());
}

function content(message, context) {
  const at = { ...context, ...context.at({ channel: message.channel, ts: message.ts }) };
  const own = message.blocks?.length ? blocks(message.blocks, at) : el("div", { class: "text" }, mrkdwn(message.text, context.names));
  return [own, (message.attachments ?? []).map((part) => attachment(part, at))];
}

function attachment(part, context) {
  const inside = part.blocks ? blocks(part.blocks, context) : mrkdwn(part.text ?? part.fallback ?? "", context.names);
  const node = el("div", { class: "attachment" }, inside);
  const colour = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" }[part.color] ?? part.color;
  if (/^#?[0-9a-f]{6}$/i.test(colour ?? "")) node.style.borderColor = colour.replace(/^#?/, "#");
  return node;
}

function file(one) {
  const url = `/page/files/${encodeURIComponent(one.id)}`;
  const name = el("a", { href: url, target: "_blank", rel: "noopener" }, one.title || one.name);
  if (!one.mimetype.startsWith("image/")) return el("p", { class: "file" }, "📄 ", name);
  const picture = el("img", { src: url, alt: one.alt_txt ?? one.title ?? one.name, loading: "lazy" });
  return el("figure", { class: "file" }, el("figcaption", {}, name), el("a", { href: url, target: "_blank", rel: "noopener" }, picture));
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return el("p", { class: "reactions" }, message.reactions.map((one) => el("span", {}, mrkdwn(`:${one.name}:`, new Map()), ` ${one.count}`)));
}

function thread(message, replies, context) {
  if (message.thread_ts || message.only_for || !context.openThread) return null;
  const open = () => context.openThread(message.ts);
  const focus = { "data-focus": `thread ${message.ts}`, type: "button", onclick: open };
  if (!replies) return el("button", { ...focus, class: "quiet begin", "aria-label": "Reply in a thread" }, "💬", el("span", {}, " Reply"));
  return el("button", { ...focus, class: "replies" }, `${replies} ${replies === 1 ? "reply" : "replies"}`);
}

// Of what one has said oneself: an edit, or its end, takes back what waits for people.
function own(message, context) {
  if (message.user !== context.mine.id || message.bot_id || message.only_for) return null;
  const said = el("span", {}, mrkdwn(message.text, context.names)).textContent;
  const button = (label, onclick) => el("button", { type: "button", class: "quiet", "data-focus": `${label} ${message.ts}`, onclick }, label);
  return el("div", { class: "own" }, button("Edit", () => context.mine.edit(message, said)), button("Delete", () => context.mine.remove(message)));
}

// For screen readers: the first line of what is new, once, not every step of a progress bar. `news` are pairs of a
// message and what it was before.
export function announce(news, context) {
  const first = (message) => message?.text.split("\n")[0];
  const shown = (message) => el("span", {}, mrkdwn(first(message), context.names)).textContent;
  const lines = news
    .filter(([message, before]) => first(message) !== first(before))
    .map(([message]) => `${context.person(message.user).name}: ${shown(message)}`);
  if (lines.length) byId("said").textContent = lines.join("\n");
}
