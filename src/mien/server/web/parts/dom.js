// Elements without markup in strings: text stays text, whatever a person or a file is called.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && ["value", "checked", "disabled", "hidden"].includes(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element: h("p", {class: "note"}, "text", child). */
export const h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);

/** An SVG element. */
export const svg = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

/** Somebody's name as it is shown: direction of writing kept apart, a number said in words. */
export const whoText = (subject) => (/^#\d+$/.test(subject) ? `Person ${subject.slice(1)}` : subject);
export const who = (subject) => h("bdi", { class: /^#\d+$/.test(subject) ? "unnamed" : null }, whoText(subject));

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** A share in the words of chances: 0.003 is "3 in 1,000". */
export function chance(rate) {
  let of = 10;
  while (rate * of < 0.995 && of < 1e9) of *= 10;
  if (of < 100) of = 100;
  return `${Number((rate * of).toPrecision(2))} in ${of.toLocaleString("en")}`;
}

export const percent = (rate) => `${Number((rate * 100).toPrecision(3))} %`;
