// What can be pressed, chosen or typed into. A control is { node, read, write, named, beside }: `read` gives what is
// sent, and `write` takes that back, for a form that is drawn anew.

import { el } from "./dom.js";
import { emoji } from "./mrkdwn.js";

const MANY = 8; // from so many options on, a list of them can be searched
const PAUSE_MS = 200; // in typing, before an external select is asked

let lists = 0;

export function pressable(element, block, context) {
  const press = async () => {
    if (element.confirm && !(await context.ask(element.confirm))) return;
    if (element.url) window.open(element.url, "_blank", "noopener,noreferrer");
    node.setAttribute("aria-busy", "true");
    await context.act(block.block_id, element.action_id ?? "", "");
    node.removeAttribute("aria-busy");
  };
  const node = el(
    "button",
    {
      type: "button",
      class: `button ${element.style ?? ""}`,
      "aria-label": element.accessibility_label,
      "data-focus": `${block.block_id}/${element.action_id}`,
      onclick: () => node.getAttribute("aria-busy") || press(),
    },
    emoji(element.text.text),
  );
  return node;
}

export function control(element, block, context, changed) {
  const made = (MAKE[element.type] ?? other)(element, context, changed, block);
  made.node.dataset.focus = `${block.block_id}/${element.action_id}`;
  if (made.node.tagName !== "FIELDSET") made.node.classList.add("control");
  made.named = (label) => made.node.setAttribute("aria-label", label);
  return made;
}

const other = (element) => ({ node: el("p", { class: "muted" }, `(${element.type})`), read: () => "", write: () => {} });

const MAKE = {
  plain_text_input: typed,
  static_select: (element, context, changed) => selected(element, groups(element), changed),
  overflow: (element, context, changed) => selected(element, groups(element), changed, "⋯"),
  users_select: (element, context, changed) => selected(element, [["", people(context)]], changed),
  channels_select: (element, context, changed) => selected(element, [["", channels(context)]], changed),
  conversations_select: conversation,
  multi_static_select: (element, context, changed) => ticked(element, changed, "checkbox"),
  checkboxes: (element, context, changed) => ticked(element, changed, "checkbox"),
  radio_buttons: (element, context, changed) => ticked(element, changed, "radio"),
  datepicker: (element, context, changed) => picked("date", element.initial_date, changed),
  timepicker: (element, context, changed) => picked("time", element.initial_time, changed),
  datetimepicker: moment,
  external_select: searched,
  multi_external_select: collected,
};

const flat = (option) => ({ value: option.value, label: option.text.text, about: option.description?.text });
const groups = (element) =>
  element.option_groups
    ? element.option_groups.map((group) => [group.label.text, group.options.map(flat)])
    : [["", element.options.map(flat)]];
const people = (context) => context.people.map((one) => ({ value: one.id, label: one.name }));
const channels = (context) => context.channels.map((one) => ({ value: one.id, label: one.name }));

const into = (node) => (value) => { node.value = value; };

function typed(element) {
  const properties = {
    maxlength: String(element.max_length ?? 3000),
    placeholder: element.placeholder?.text,
    autocomplete: "off",
    autofocus: element.focus_on_load,
  };
  const node = element.multiline ? el("textarea", { rows: "4", ...properties }) : el("input", { type: "text", ...properties });
  node.value = element.initial_value ?? "";
  return { node, read: () => node.value, write: into(node) };
}

function conversation(element, context, changed) {
  const begin = element.initial_conversation ?? (element.default_to_current_conversation ? context.here : "");
  return selected({ ...element, initial_conversation: begin }, [["", channels(context)]], changed);
}

function selected(element, grouped, changed, placeholder = element.placeholder?.text ?? "Choose…") {
  const begin =
    element.initial_option?.value ?? element.initial_user ?? element.initial_channel ?? element.initial_conversation ?? "";
  const options = ([label, list]) => {
    const nodes = list.map((one) => el("option", { value: one.value }, emoji(one.label)));
    return label ? el("optgroup", { label }, nodes) : nodes;
  };
  const node = el("select", { onchange: changed }, el("option", { value: "" }, placeholder), grouped.map(options));
  node.value = begin;
  return { node, read: () => node.value || [], write: into(node) };
}

function picked(type, begin, changed) {
  const node = el("input", { type, onchange: changed });
  node.value = begin ?? "";
  return { node, read: () => node.value, write: into(node) };
}

// In the person's own zone; sent as seconds since 1970.
function moment(element, context, changed) {
  const { node } = picked("datetime-local", element.initial_date_time ? local(element.initial_date_time) : "", changed);
  const read = () => (node.value ? String(Math.floor(new Date(node.value).getTime() / 1000)) : "");
  return { node, read, write: (value) => { node.value = value ? local(Number(value)) : ""; } };
}

function local(seconds) {
  const shown = new Date(seconds * 1000);
  return new Date(shown - shown.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

// Several, or one of a few: all of them in sight, and a field that narrows long lists.
function ticked(element, changed, type) {
  const begin = new Set([element.initial_option, ...(element.initial_options ?? [])].filter(Boolean).map((one) => one.value));
  const name = `list-${++lists}`;
  const rows = groups(element).flatMap(([group, list]) =>
    list.map((one) => {
      const box = el("input", { type, name, value: one.value, onchange: changed });
      box.checked = begin.has(one.value);
      const about = one.about ? el("span", { class: "muted" }, ` ${one.about}`) : null;
      return el("label", { class: "choice", "data-text": `${group} ${one.label}`.toLowerCase() }, box, el("span", {}, emoji(one.label), about));
    }),
  );
  const narrow = (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.dataset.text.includes(wanted) && !row.firstChild.checked;
  };
  const search =
    rows.length > MANY ? el("input", { type: "search", placeholder: "Search…", "aria-label": "Search the list", oninput: narrow }) : null;
  const node = el("fieldset", { class: "choices" }, search, el("div", { class: "list" }, rows));
  const values = () => [...node.querySelectorAll(":checked")].map((box) => box.value);
  const write = (wanted) => {
    for (const box of node.querySelectorAll(".list input")) box.checked = wanted.includes(box.value);
  };
  return { node, read: () => values(), write };
}

// An external select: the app is asked for options while somebody types.
function searched(element, context, changed, block) {
  const list = el("datalist", { id: `list-${++lists}` });
  let waiting = 0;
  const ask = async () => {
    if (document.activeElement !== node) return; // whoever has moved on, or sent the form, is offered nothing
    const options = await context.search(block.block_id, element.action_id ?? "", node.value);
    list.replaceChildren(...options.map((option) => el("option", { value: option.text.text })));
  };
  const typing = () => {
    clearTimeout(waiting);
    if (node.value.length >= (element.min_query_length ?? 3)) waiting = setTimeout(ask, PAUSE_MS);
  };
  const node = el("input", {
    type: "search",
    list: list.id,
    placeholder: element.placeholder?.text ?? "Type to search…",
    autocomplete: "off",
    oninput: typing,
    onfocus: typing,
    onchange: () => node.value && changed(),
  });
  node.value = element.initial_option?.text.text ?? "";
  return { node, read: () => node.value || [], write: into(node), beside: list };
}

// Several from an external select: each that is picked stands below, ticked, and the field is free for the next one.
function collected(element, context, changed, block) {
  const picked = el("div", { class: "list" });
  const add = (label) => {
    const box = el("input", { type: "checkbox", value: label, onchange: changed });
    box.checked = true;
    picked.append(el("label", { class: "choice" }, box, el("span", {}, label)));
  };
  const add_typed = () => {
    if (search.node.value && !values().includes(search.node.value)) add(search.node.value);
    search.node.value = "";
    changed();
  };
  const search = searched(element, context, add_typed, block);
  const values = () => [...picked.querySelectorAll(":checked")].map((box) => box.value);
  for (const option of element.initial_options ?? []) add(option.text.text);
  const node = el("fieldset", { class: "choices" }, search.node, search.beside, picked);
  return { node, read: values, write: (wanted) => (picked.replaceChildren(), wanted.forEach(add)) };
}
