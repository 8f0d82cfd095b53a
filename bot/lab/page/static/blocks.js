// Block Kit as nodes (Slack, "Block Kit reference").
//
// `context`: names (Map of id to "@alice" or "#ops"), people, channels, and what elements may do:
// act(block_id, action_id, filled), search(block_id, action_id, query), ask(confirm) -> Promise of true or false.

import { el } from "./dom.js";
import { control, pressable } from "./elements.js";
import { date, emoji, link, mention, mrkdwn } from "./mrkdwn.js";

export function blocks(list, context) {
  return list.map((block) => (RENDER[block.type] ?? unknown)(block, context));
}

const unknown = (block) => el("p", { class: "muted" }, `(a block of type ${block.type})`);

export function text(part, context) {
  return part.type === "mrkdwn" ? mrkdwn(part.text, context.names) : [emoji(part.text)];
}

const RENDER = {
  section: (block, context) =>
    el(
      "div",
      { class: "section" },
      el(
        "div",
        { class: "text" },
        block.text ? el("div", {}, text(block.text, context)) : null,
        block.fields
          ? el("div", { class: "fields" }, block.fields.map((field) => el("div", {}, text(field, context))))
          : null,
      ),
      block.accessory ? el("div", { class: "accessory" }, element(block.accessory, block, context)) : null,
    ),
  header: (block, context) => el("h3", { class: "header" }, text(block.text, context)),
  divider: () => el("hr"),
  image: (block, context) =>
    el("figure", {}, block.title ? el("figcaption", {}, text(block.title, context)) : null, image(block)),
  context: (block, context) =>
    el(
      "div",
      { class: "context" },
      block.elements.map((one) => el("div", {}, one.type === "image" ? image(one) : text(one, context))),
    ),
  actions: (block, context) =>
    el("div", { class: "actions" }, block.elements.map((one) => element(one, block, context))),
  input: (block, context) => field(block, context),
  markdown: (block, context) => el("div", { class: "text" }, mrkdwn(block.text.replaceAll("**", "*"), context.names)),
  rich_text: (block, context) => el("div", { class: "text" }, block.elements.map((part) => rich(part, context))),
  table: (block, context) => table(block, context),
  plan: (block, context) =>
    el("div", { class: "plan" }, el("strong", {}, block.title), blocks(block.tasks ?? [], context)),
  task_card: (block, context) =>
    el(
      "div",
      { class: `task ${block.status}` },
      el("span", {}, block.title),
      [block.details, block.output].filter(Boolean).map((part) => RENDER.rich_text(part, context)),
    ),
};

// Pictures from elsewhere are not fetched: the lab asks nobody outside this machine for anything.
const image = (part) => el("span", { class: "picture" }, part.alt_text);

function element(one, block, context) {
  if (one.type === "image") return image(one);
  if (one.type === "button") return pressable(one, block, context);
  const made = control(one, block, context, async () => {
    if (!one.confirm || (await context.ask(one.confirm))) context.act(block.block_id, one.action_id ?? "", made.read());
  });
  made.named(one.placeholder?.text ?? "Choose");
  return [made.node, made.beside];
}

// An input with its label; `context.fields` collects how to read them.
function field(block, context) {
  const id = `field-${block.block_id}`;
  const made = control(block.element, block, context, () => {
    if (block.dispatch_action) context.act(block.block_id, block.element.action_id, made.read());
  });
  const label = [block.label.text, block.optional ? el("span", { class: "muted" }, " (optional)") : null];
  const hint = block.hint ? el("p", { class: "hint", id: `${id}-hint` }, text(block.hint, context)) : null;
  const wrong = el("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
  const described = [hint ? `${id}-hint` : "", `${id}-wrong`].join(" ").trim();
  const kind = `${block.element.type} ${block.element.action_id}`;
  context.fields?.set(block.block_id, { read: made.read, write: made.write, kind, wrong, node: made.node, optional: block.optional });
  if (made.node.tagName === "FIELDSET") {
    made.node.prepend(el("legend", {}, label));
    made.node.setAttribute("aria-describedby", described);
    return el("div", { class: "field" }, made.node, hint, wrong);
  }
  made.node.id = id;
  made.node.setAttribute("aria-describedby", described);
  return el("div", { class: "field" }, el("label", { for: id }, label), made.node, made.beside, hint, wrong);
}

function table(block, context) {
  const [head, ...rows] = block.rows;
  const align = (number) => block.column_settings?.[number]?.align ?? "left";
  const cells = (row, tag) =>
    row.map((cell, number) => el(tag, { class: align(number), scope: tag === "th" && "col" }, cellText(cell, context)));
  return el(
    "div",
    { class: "table", tabindex: "0" },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, cells(head, "th"))),
      el("tbody", {}, rows.map((row) => el("tr", {}, cells(row, "td")))),
    ),
  );
}

const cellText = (cell, context) =>
  cell.type === "rich_text" ? cell.elements.map((part) => rich(part, context)) : String(cell.text ?? cell.value);

function rich(part, context) {
  const inside = part.elements.map((one) => (part.type === "rich_text_list" ? el("li", {}, rich(one, context)) : inline(one, context)));
  switch (part.type) {
    case "rich_text_list":
      return el(part.style === "ordered" ? "ol" : "ul", { class: `indent-${part.indent ?? 0}` }, inside);
    case "rich_text_preformatted":
      return el("pre", { tabindex: "0" }, inside);
    case "rich_text_quote":
      return el("blockquote", {}, inside);
    default:
      return el("div", {}, inside);
  }
}

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

function inline(one, context) {
  const wanted = Object.keys(STYLES).filter((name) => one.style?.[name]);
  return wanted.reduce((node, name) => el(STYLES[name], {}, node), plain(one, context));
}

function plain(one, context) {
  switch (one.type) {
    case "text":
      return one.text;
    case "link":
      return link(one.url, one.text);
    case "user":
    case "channel":
      return mention(context.names.get(one.user_id ?? one.channel_id) ?? one.user_id ?? one.channel_id);
    case "broadcast":
      return mention(`@${one.range}`);
    case "date":
      return date(one.timestamp, one.format, one.fallback ?? "");
    case "emoji":
      return emoji(`:${one.name}:`);
    default:
      return `(${one.type})`;
  }
}
