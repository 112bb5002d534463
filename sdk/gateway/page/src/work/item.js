// The input of a task for a person: what is shown, and what is asked.

const PICTURE = /^data:image\/(png|jpeg|gif|webp|svg\+xml|avif|bmp)[;,]/;

function parsed(input) {
  if (typeof input !== "string" || !/^\s*[{[]/.test(input)) return input;
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}

const isPicture = (value) => typeof value === "string" && PICTURE.test(value);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * @param {{input: *, schema?: Object, title?: string, instructions?: string}} lease a form that
 *   the job has for all its items, or else one that is in the input: {schema, input}
 * @returns {{picture: ?string, text: ?string, title: string, about: string, schema: ?Object}}
 *   schema: a JSON schema of the answer; null: any text
 */
export function itemOf(lease) {
  const value = parsed(lease.input);
  const asks = isObject(value) && isObject(value.schema);
  const schema = isObject(lease.schema) ? lease.schema : asks ? value.schema : null;
  const shown = parsed(asks ? value.input : value);
  const about = lease.instructions || schema?.description || "";
  const asked = isObject(shown) && typeof shown.question === "string" ? shown.question : "";
  const title = lease.title || schema?.title || asked;
  if (isPicture(shown)) return { picture: shown, text: null, title, about, schema };
  if (isObject(shown) && isPicture(shown.image)) {
    const { image, question, ...rest } = shown;
    const text = typeof rest.text === "string" ? rest.text
      : Object.keys(rest).length ? JSON.stringify(rest, null, 2) : null;
    return { picture: image, text, title, about, schema };
  }
  const text = shown === undefined || shown === null ? null
    : typeof shown === "string" ? shown : JSON.stringify(shown, null, 2);
  return { picture: null, text, title, about, schema };
}
