// Builds elements, and changes what is shown into what should be shown.
//
// Text only ever becomes a text node, so nothing that a job, a worker or an error contains can
// become markup. There is no innerHTML anywhere in the page.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "circle", "line", "polyline", "polygon", "rect", "g"]);

/**
 * Makes an element: h("div.card", {title: "x"}, "text", h("b", null, "bold")).
 * `key` identifies it among its siblings, `style` is an object, `on...` are functions.
 * @param {string} name tag, with classes after dots
 * @param {?Object<string, *>} props
 * @param {...*} children nodes, texts, numbers, arrays of them; null and false are left out
 * @returns {HTMLElement}
 */
export function h(name, props, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(props ?? {})) set(element, key, value);
  append(element, children);
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key === "key") element.quernKey = String(value);
  else if (key.startsWith("on")) element[key] = value;
  else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
  else if (key === "style") for (const [k, v] of Object.entries(value)) {
    element.style.setProperty(k, String(v));
  } else element.setAttribute(key, value === true ? "" : String(value));
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

/**
 * A place in a new tree for an element that lives on: a canvas, or a form that is being filled in.
 * @param {Element} element
 */
export function keep(element) {
  const place = document.createElement("span");
  place.quernKept = element;
  return place;
}

/**
 * Makes `shown` have the children of `wanted`. Elements that fit stay, with focus and selection.
 * @param {Element} shown
 * @param {Element} wanted
 */
export function morph(shown, wanted) {
  const keyed = new Map();
  for (const child of shown.children) {
    if (child.quernKey !== undefined) keyed.set(child.quernKey, child);
  }
  let next = shown.firstChild;
  for (const child of [...wanted.childNodes]) {
    const kept = child.quernKept;
    const own = kept ?? (child.quernKey === undefined ? undefined : keyed.get(child.quernKey));
    if (own) {
      if (own === next) next = next.nextSibling;
      else shown.insertBefore(own, next);
      if (!kept) patch(own, child);
    } else if (next && fits(next, child)) {
      const old = next;
      next = next.nextSibling;
      patch(old, child);
    } else {
      shown.insertBefore(unfold(child), next);
    }
  }
  while (next) {
    const old = next;
    next = next.nextSibling;
    old.remove();
  }
}

function fits(old, child) {
  return old.nodeName === child.nodeName && old.quernKey === undefined &&
    child.quernKey === undefined && !old.quernLives;
}

/** Puts elements that live on in their places. */
function unfold(node) {
  for (const child of [...node.childNodes]) {
    if (child.quernKept) child.replaceWith(child.quernKept);
    else if (child.nodeType === Node.ELEMENT_NODE) unfold(child);
  }
  return node;
}

/** Marks an element as one that no other may be made from. */
export function lives(element) {
  element.quernLives = true;
  return element;
}

const HANDLERS = ["onclick", "oninput", "onchange", "onsubmit", "onkeydown", "onpointerenter",
  "onpointerleave", "ontoggle", "onscroll"];

function patch(old, child) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== child.nodeValue) old.nodeValue = child.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (name === "style" || (name === "open" && old.nodeName !== "DIV")) continue;
    if (!child.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of child.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  // Through the object model: the policy of the page forbids style attributes.
  if (old.style.cssText !== child.style.cssText) old.style.cssText = child.style.cssText;
  for (const name of HANDLERS) if (old[name] !== child[name]) old[name] = child[name];
  morph(old, child);
}

/**
 * Replaces the content of an element.
 * @param {Element} element
 * @param {...*} children as for h()
 */
export function show(element, ...children) {
  morph(element, h("div", null, ...children));
}
