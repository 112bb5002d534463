// A box that is drawn on a picture: [x, y, width, height] in pixels of the picture.
import { h } from "../base/dom.js";

/**
 * @param {Object} schema
 * @param {string} name
 * @param {{changed: function(), picture: string}} context
 * @returns {import("./fields.js").Field}
 */
export function boxField(schema, name, { changed, picture }) {
  const image = h("img", { src: picture, alt: "Picture of the task", draggable: "false" });
  const outline = h("div.box-outline", { hidden: true });
  const numbers = ["x", "y", "width", "height"].map((word) => h("input", { type: "number", min: 0,
    "aria-label": word, placeholder: word, oninput: () => { show(); changed(); } }));
  const stage = h("div.box-stage", null, image, outline);
  const element = h("fieldset.answer", null,
    h("legend.label", null, schema.title ?? (name || "Box")),
    h("p.hint", null, schema.description ?? "Draw a box on the picture, or write its numbers."),
    stage, h("div.field-row.numbers", null, numbers));
  let from = null;

  const value = () => {
    const box = numbers.map((one) => one.value === "" ? NaN : Number(one.value));
    return box.every(Number.isFinite) && box[2] > 0 && box[3] > 0 ? box : undefined;
  };
  const show = () => {
    const box = value();
    outline.hidden = !box || !image.naturalWidth;
    if (outline.hidden) return;
    const part = (size, whole) => `${size / whole * 100}%`;
    outline.style.left = part(box[0], image.naturalWidth);
    outline.style.top = part(box[1], image.naturalHeight);
    outline.style.width = part(box[2], image.naturalWidth);
    outline.style.height = part(box[3], image.naturalHeight);
  };
  const fill = (box) => {
    numbers.forEach((one, n) => { one.value = box?.[n] ?? ""; });
    show();
  };
  image.onload = show;

  const place = (event) => {
    const frame = image.getBoundingClientRect();
    const at = (offset, size, pixels) =>
      Math.round(Math.min(1, Math.max(0, offset / size)) * pixels);
    return [at(event.clientX - frame.left, frame.width, image.naturalWidth),
      at(event.clientY - frame.top, frame.height, image.naturalHeight)];
  };
  stage.onpointerdown = (event) => {
    event.preventDefault();
    from = place(event);
    stage.setPointerCapture(event.pointerId);
  };
  stage.onpointermove = (event) => {
    if (!from) return;
    const to = place(event);
    fill([Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.abs(to[0] - from[0]),
      Math.abs(to[1] - from[1])]);
  };
  stage.onpointerup = () => {
    from = null;
    changed();
  };
  return { element, value, fill };
}
