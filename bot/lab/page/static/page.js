// The page: what it knows, what it is told, what it shows. The server's events are the only truth; what a person does
// is sent, and shows once the server tells of it.

import { blocks } from "./blocks.js";
import { ask, Modal } from "./dialogs.js";
import { byId, el, keep } from "./dom.js";
import { announce, avatar, byAge, draw, keyOf, rows } from "./messages.js";

const NEAR_PX = 80; // so near to its end, a list stays at its end when it grows

const known = { people: new Map(), bot: "", names: new Map(), channels: [], messages: new Map(), home: null, about: "", suggestions: [], shortcuts: [] };
const here = { me: "", channel: "", tab: "messages", thread: "" };
const unread = new Set();
const drawn = { messages: new Map(), replies: new Map() };
let events = null;

// What the server does for us

async function act(what) {
  let answer = {};
  try {
    const response = await fetch("/page/act", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ who: here.me, ...what }),
    });
    answer = await response.json();
  } catch {
    answer = { problem: "The lab does not answer." };
  }
  trouble(answer.problem ?? "");
  return answer;
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
  if (byId("modal").open) modal.problem(text);
}

const at = (place) => ({
  act: (block, action, filled) => act({ do: "choose", ...place, block, action, filled }),
  search: async (block, action, query) => (await act({ do: "search", ...place, block, action, query })).options ?? [],
});

const context = {
  get names() { return known.names; },
  get people() { return [...known.people.values()].filter((one) => !one.is_bot); },
  get channels() { return known.channels.filter((one) => one.kind !== "im"); },
  get here() { return isApp() ? "" : here.channel; },
  get mine() { return { id: myId(), edit, remove: ({ channel, ts }) => act({ do: "delete", channel, ts }) }; },
  person: (id) => known.people.get(id) ?? { id, name: id, is_bot: false },
  ask: (question) => ask(question, known.names),
  at,
};

const modal = new Modal({
  submit: (values) => act({ do: "submit", values }),
  close: () => act({ do: "close" }),
});

// What the server tells

function listen() {
  events?.close();
  events = new EventSource(`/page/events?who=${encodeURIComponent(here.me)}`);
  events.addEventListener("hello", (event) => {
    known.messages.clear();
    drawn.messages.clear();
    drawn.replies.clear();
    unread.clear();
    const told = JSON.parse(event.data);
    meet(told);
    here.me = told.me;
    take({ home: null, modal: null, ...told }, true);
    if (isApp() && here.tab === "home") act({ do: "home" });
    document.body.dataset.ready = here.me;
    trouble("");
  });
  events.addEventListener("news", (event) => take(JSON.parse(event.data), false));
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED && here.me) become(""); // there is nobody of that name
    else trouble("The lab does not answer. It ends when its terminal ends; this page looks for it.");
  };
}

function meet({ people, bot, about, suggestions, shortcuts }) {
  Object.assign(known, { bot, about, suggestions, shortcuts });
  known.people = new Map(people.map((one, hue) => [one.id, { ...one, hue }]));
}

function take(told, atFirst) {
  if (told.channels) {
    const was = current()?.kind; // the next person's direct messages are others, and still direct messages
    known.channels = told.channels;
    known.names = new Map([
      ...[...known.people.values()].map((one) => [one.id, `@${one.name}`]),
      ...told.channels.map((one) => [one.id, `#${one.name}`]),
    ]);
    const same = told.channels.find((one) => one.id === here.channel) ?? told.channels.find((one) => one.kind === was);
    here.channel = (same ?? told.channels[0])?.id ?? "";
  }
  for (const [channel, ts] of told.gone ?? []) known.messages.delete(`${channel} ${ts}`);
  const news = [];
  for (const message of told.messages ?? []) {
    const before = known.messages.get(keyOf(message));
    known.messages.set(keyOf(message), message);
    if (atFirst || message.user === myId()) continue;
    if (message.channel !== here.channel && !before) unread.add(message.channel);
    if (message.channel === here.channel && ["", here.thread].includes(message.thread_ts ?? "")) news.push([message, before]);
  }
  announce(news, context);
  if ("home" in told) known.home = told.home;
  show();
  if ("modal" in told) modal.show(told.modal, { ...context, ...at({ view: told.modal?.view.id }) });
}

// What it shows

const current = () => known.channels.find((one) => one.id === here.channel);
const isApp = () => current()?.kind === "im";
const title = (channel) => (channel.kind === "im" ? context.person(known.bot).name : `#${channel.name}`);
const myId = () => context.people.find((one) => one.name === here.me)?.id;
const visible = () => [...known.messages.values()].filter((one) => one.channel === here.channel).sort(byAge);

function show() {
  if (!current()) return;
  const atHome = isApp() && here.tab === "home";
  byId("place").textContent = title(current());
  composer.name(`Message ${title(current())}`);
  byId("tabs").hidden = !isApp();
  for (const tab of byId("tabs").children) tab.setAttribute("aria-pressed", String(tab.dataset.tab === here.tab));
  byId("messages").hidden = byId("composer").hidden = atHome;
  byId("home").hidden = !atHome;
  byId("welcome").hidden ||= atHome;
  showRail();
  showShortcuts();
  if (atHome) showHome();
  else showMessages();
  showThread(atHome);
  document.title = `${title(current())} · ${here.me} · Ferry’s lab`;
  history.replaceState(null, "", `#/${here.me}/${here.channel}/${isApp() ? here.tab : here.thread}`);
}

function showRail() {
  keep(byId("channels"), known.channels.map((one) => ({ ...one, here: one.id === here.channel, unread: unread.has(one.id) })), (one) => one.id, (one) =>
    el("li", {}, el("button", {
      type: "button", class: one.unread ? "unread" : "", "aria-current": one.here && "page", "data-focus": one.id, onclick: () => go(one.id),
    }, one.kind === "im" ? avatar(context.person(known.bot)) : el("span", { "aria-hidden": "true" }, one.kind === "group" ? "🔒" : "#"),
    one.kind === "im" ? context.person(known.bot).name : one.name, one.unread ? el("span", { class: "unseen" }, " (unread)") : null)));
  const people = byId("people");
  const list = people.querySelector(".list") ?? people.appendChild(el("div", { class: "list" }));
  if (list.childElementCount === context.people.length) return;
  list.replaceChildren(...context.people.map((one) =>
    el("label", {},
      el("input", { type: "radio", name: "me", value: one.name, checked: one.name === here.me, onchange: () => become(one.name) }),
      avatar(one),
      el("span", { class: "who" }, one.name, one.title ? el("small", {}, one.title) : null))));
}

function showShortcuts() {
  const made = (name) => el("button", {
    type: "button", class: "quiet", "aria-label": `Shortcut ${name}`, title: `Shortcut: ${name}`, "data-focus": `shortcut ${name}`,
    onclick: () => act({ do: "shortcut", channel: here.channel, name }),
  }, "⚡");
  keep(byId("shortcuts"), known.shortcuts, (name) => name, made);
}

function showMessages() {
  const messages = visible().filter((one) => !one.thread_ts);
  const count = new Map();
  for (const one of visible()) if (one.thread_ts) count.set(one.thread_ts, (count.get(one.thread_ts) ?? 0) + 1);
  fill(byId("messages"), rows(messages, (one) => count.get(one.ts) ?? 0, drawn.messages), { ...context, openThread });
  const welcome = byId("welcome");
  welcome.hidden = Boolean(messages.length);
  welcome.replaceChildren(
    el("h2", {}, isApp() ? `This is between you and ${title(current())}` : `This is ${title(current())}`),
    el("p", {}, known.about),
    el("div", { class: "actions" }, known.suggestions.map((one) => el("button", { type: "button", class: "button", onclick: () => composer.write(one) }, one))),
  );
}

function showThread(atHome) {
  const parent = known.messages.get(`${here.channel} ${here.thread}`);
  const pane = byId("thread");
  pane.hidden = atHome || !parent;
  document.body.classList.toggle("threaded", !pane.hidden);
  if (pane.hidden) return;
  const replies = visible().filter((one) => one.thread_ts === parent.ts);
  fill(byId("replies"), rows([parent, ...replies], () => 0, drawn.replies, parent), context);
}

function fill(list, shown, how) {
  keep(list, shown, (row) => keyOf(row.message), (row) => draw(row, how));
}

const toEnd = (scroll) => { scroll.scrollTop = scroll.scrollHeight; };

// Whoever looks at the end goes on to look at the end: when messages come, pictures load, a thread opens beside.
function followEnd(list) {
  const scroll = list.closest(".scroll");
  let atEnd = true;
  scroll.addEventListener("scroll", () => { atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PX; });
  const follow = new ResizeObserver(() => atEnd && !list.hidden && toEnd(scroll));
  for (const node of [list, scroll]) follow.observe(node);
}

let homeShown;
function showHome() {
  if (homeShown === known.home && byId("home").childElementCount) return;
  homeShown = known.home;
  const how = { ...context, ...at({ view: known.home?.id }) };
  byId("home").replaceChildren(
    ...(known.home ? blocks(known.home.blocks, how) : [el("p", { class: "muted" }, `${context.person(known.bot).name} has put nothing here.`)]),
  );
}

// Where a person goes

function go(channel) {
  composer.edit(null, "");
  Object.assign(here, { channel, thread: "" });
  unread.delete(channel);
  drawn.messages.clear();
  byId("messages").replaceChildren();
  show();
  if (here.tab === "messages" || !isApp()) toEnd(byId("scroll"));
  composer.focus();
}

function openThread(ts) {
  here.thread = ts;
  drawn.replies.clear();
  byId("replies").replaceChildren();
  show();
  reply.focus();
}

function leaveThread() {
  const from = here.thread;
  here.thread = "";
  show();
  [...document.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === `thread ${from}`)?.focus();
}

function become(name) {
  here.me = name;
  document.body.dataset.ready = "";
  Object.assign(here, { thread: isApp() ? "" : here.thread });
  listen();
}

byId("leave").addEventListener("click", leaveThread);
byId("thread").addEventListener("keydown", (event) => event.key === "Escape" && leaveThread());
for (const tab of byId("tabs").children) {
  tab.addEventListener("click", () => {
    here.tab = tab.dataset.tab;
    if (here.tab === "home") act({ do: "home" });
    show();
    if (here.tab === "home") byId("scroll").scrollTop = 0;
    else toEnd(byId("scroll"));
  });
}

// What a person types

class Composer {
  constructor(form, label, send) {
    this.field = el("textarea", { rows: "1", oninput: () => this.grow(), autocomplete: "off" });
    this.name(label);
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    this.editing = null;
    this.field.addEventListener("keydown", (event) => event.key === "Escape" && this.editing && this.edit(null, ""));
    form.append(this.field, el("button", { type: "submit", class: "button primary", "aria-label": "Send" }, "Send"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = this.field.value.trim();
      if (!text) return;
      const { editing } = this;
      this.edit(null, "");
      if ((await send(text, editing)).problem && !this.field.value) this.edit(editing, text);
    });
  }

  name(label) {
    this.label = label;
    this.field.placeholder = this.field.ariaLabel = this.editing ? "Edit your message; Escape leaves it as it is" : label;
  }

  // What is sent next is said anew, or changes a message of one's own.
  edit(message, text) {
    this.editing = message;
    this.name(this.label);
    this.write(text);
  }

  write(text) {
    this.field.value = text;
    this.grow();
    this.focus();
  }

  grow() {
    this.field.rows = Math.min(8, this.field.value.split("\n").length);
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }
}

const change = ({ channel, ts }, text) => act({ do: "edit", channel, ts, text });
const composer = new Composer(byId("composer"), "Message", (text, editing) => {
  if (editing) return change(editing, text);
  toEnd(byId("scroll"));
  return act({ do: "say", channel: here.channel, text });
});
const reply = new Composer(byId("reply"), "Reply", (text, editing) =>
  editing ? change(editing, text) : act({ do: "say", channel: here.channel, thread: here.thread, text }));

function edit(message, text) {
  (message.thread_ts ? reply : composer).edit(message, text);
}

// #/alice/C0OPS00000/1764000000.000001 or #/alice/D0ALICE000/home: a reload, or a second window, is where it was.
const [, me, channel, rest] = decodeURIComponent(location.hash).split("/");
Object.assign(here, { me: me ?? "", channel: channel ?? "", tab: rest === "home" ? "home" : "messages", thread: rest ?? "" });
for (const list of [byId("messages"), byId("replies")]) followEnd(list);
listen();
composer.focus();
