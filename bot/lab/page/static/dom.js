// Making and keeping nodes. Whatever text comes from outside becomes a text node or an attribute, never markup.

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list" && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export const byId = (id) => document.getElementById(id);

// Brings a container's children to the items' order. A child is made anew only where its item is another one than
// before; the keyboard's focus stays where it was, by the `data-focus` of what had it.
export function keep(container, items, keyOf, render) {
  const known = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let before = null;
  for (const item of items) {
    const key = keyOf(item);
    let child = known.get(key);
    known.delete(key);
    if (!child || child.item !== item) {
      const fresh = render(item);
      fresh.dataset.key = key;
      fresh.item = item;
      if (child) replace(child, fresh);
      child = fresh;
    }
    const next = before ? before.nextSibling : container.firstChild;
    if (child !== next) container.insertBefore(child, next);
    before = child;
  }
  for (const child of known.values()) child.remove();
}

function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  fresh.classList.add("still"); // it has been there: it does not arrive once more
  old.replaceWith(fresh);
  if (focused) [...fresh.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === focused)?.focus();
}
