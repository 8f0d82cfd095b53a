// Slack's mrkdwn as nodes (Slack, "Formatting text for app surfaces"): &, < and > arrive escaped, <…> is special.

import { el } from "./dom.js";

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "<([^<>]+)>",
    "(?<![\\w*])\\*(?![\\s\\u200b])([^*\\n]+)\\*(?![\\w*])",
    "(?<![\\w_])_(?![\\s\\u200b])([^_\\n]+)_(?![\\w_])",
    "(?<![\\w~])~(?![\\s\\u200b])([^~\\n]+)~(?![\\w~])",
  ].join("|"),
  "g",
);
const STYLES = ["strong", "em", "s"];

const EMOJI = {
  "+1": "👍", "-1": "👎", arrow_right: "➡️", bell: "🔔", bulb: "💡", clock1: "🕐", eyes: "👀", ferry: "⛴️", fire: "🔥",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", information_source: "ℹ️", key: "🔑", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_yellow_circle: "🟡", lock: "🔒", no_entry: "⛔", pause_button: "⏸️", red_circle: "🔴",
  rocket: "🚀", rotating_light: "🚨", ship: "🚢", smile: "😄", stopwatch: "⏱️", tada: "🎉", thumbsup: "👍", wave: "👋",
  warning: "⚠️", white_check_mark: "✅", wrench: "🔧", x: "❌", zzz: "💤",
};

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export const emoji = (text) => text.replace(/:([\w+-]+):/g, (whole, name) => EMOJI[name] ?? whole);

// `names` gives what stands for an id: "@alice", "#ops".
export function mrkdwn(text, names) {
  return text.split(/```([\s\S]+?)```/).flatMap((part, number) => {
    if (number % 2) return el("pre", { tabindex: "0" }, unescape(part.replace(/^\n|\n$/g, "")));
    return quoted(number ? part.replace(/^\n/, "") : part, names);
  });
}

function quoted(text, names) {
  return text.split(/((?:^&gt;.*(?:\n|$))+)/m).flatMap((part, number) => {
    if (number % 2) return el("blockquote", {}, inline(part.replace(/^&gt; ?/gm, "").trimEnd(), names));
    return inline(part, names);
  });
}

function inline(text, names) {
  const nodes = [];
  let position = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(...plain(text.slice(position, match.index)));
    position = match.index + match[0].length;
    const [, code, angle, ...styled] = match;
    const style = styled.findIndex((one) => one !== undefined);
    if (code !== undefined) nodes.push(el("code", {}, unescape(code)));
    else if (angle !== undefined) nodes.push(special(angle, names));
    else nodes.push(el(STYLES[style], {}, inline(styled[style], names)));
  }
  nodes.push(...plain(text.slice(position)));
  return nodes.filter((node) => node !== "");
}

// Bars of progress get a colour; they stay text.
const plain = (text) =>
  emoji(unescape(text)).split(/([▓░]{3,})/).map((part, number) => (number % 2 ? el("span", { class: "bar" }, part) : part));

function special(token, names) {
  const bar = token.indexOf("|");
  const target = bar < 0 ? token : token.slice(0, bar);
  const label = bar < 0 ? "" : unescape(token.slice(bar + 1));
  if (/^[@#]/.test(target)) return mention(names.get(target.slice(1)) ?? (label ? target[0] + label : target));
  if (target.startsWith("!date^")) {
    const [, seconds, format] = target.split("^");
    return date(Number(seconds), format, label);
  }
  if (target.startsWith("!")) return mention(label || `@${target.slice(1)}`);
  return link(unescape(target), label);
}

export const mention = (text) => el("span", { class: "mention" }, text);

// Only these lead anywhere: javascript: and its like stay text.
export function link(url, label) {
  const shown = label || url.replace(/^mailto:/, "");
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return shown;
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, shown);
}

export function date(seconds, format = "{date_short_pretty} {time}", fallback = "") {
  const moment = new Date(seconds * 1000);
  if (!Number.isFinite(moment.getTime())) return fallback;
  const shown = (options) => new Intl.DateTimeFormat(undefined, options).format(moment);
  const days = Math.round((midnight(moment) - midnight(new Date())) / 86_400_000);
  const near = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
  const short = shown({ year: "numeric", month: "short", day: "numeric" });
  const long = shown({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
  const parts = {
    date_num: shown({ year: "numeric", month: "2-digit", day: "2-digit" }), date: long, date_short: short,
    date_long: long, date_pretty: near ?? long, date_short_pretty: near ?? short, date_long_pretty: near ?? long,
    time: shown({ hour: "2-digit", minute: "2-digit" }),
    time_secs: shown({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  };
  const text = format.replace(/\{(\w+)\}/g, (whole, name) => parts[name] ?? whole);
  return el("time", { datetime: moment.toISOString(), title: fallback }, text);
}

const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
