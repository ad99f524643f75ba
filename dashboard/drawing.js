// Draws boxes and the lines between them where Python has placed them, and tells Python which box was clicked.
// Texts are foreign: they become text nodes and nothing else.

const SVG = "http://www.w3.org/2000/svg";

function made(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.appendChild(element);
  return element;
}

function said(text, attributes, parent) {
  made("text", attributes, parent).textContent = text;
}

export default function ({ data, parentElement, setTriggerValue }) {
  parentElement.querySelector("svg")?.remove();
  const svg = made("svg", {
    viewBox: `-3 -3 ${data.width + 6} ${data.height + 6}`,
    style: `max-width: ${data.width}px`,
    role: "group",
    "aria-label": data.label,
  }, parentElement);
  for (const line of data.lines) made("path", { d: line.path, class: `line ${line.look}` }, svg);
  for (const box of data.boxes) {
    const group = made("g", { class: `box ${box.look}`, transform: `translate(${box.x} ${box.y})` }, svg);
    made("rect", { width: box.width, height: box.height, rx: 6 }, group);
    made("rect", { class: "mark", x: 0, width: 5, height: box.height, rx: 2.5 }, group);
    const middle = box.height / 2;
    said(box.title, { x: 14, y: box.note ? middle - 5 : middle + 4.5, class: "title" }, group);
    if (box.note) said(box.note, { x: 14, y: middle + 13, class: "note" }, group);
    if (box.full) made("title", {}, group).textContent = box.full;
    if (!box.id) continue;
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", `${box.title} ${box.note}`);
    const pick = () => setTriggerValue("picked", box.id);
    group.onclick = pick;
    group.onkeydown = (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        pick();
      }
    };
  }
}
