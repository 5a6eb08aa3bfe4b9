// Sorts Table 3 and shows the interval of a score.
"use strict";

// The keyboard skips a box that has nothing to scroll.
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const wide = target.scrollWidth > target.clientWidth;
    target.classList.toggle("wide", wide);
    if (wide) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const box of document.querySelectorAll("div.box")) sizes.observe(box);

for (const table of document.querySelectorAll(".sortable")) {
  const body = table.tBodies[0];
  const paperOrder = [...body.rows];
  for (const header of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(body, paperOrder, header));
    header.append(button);
    header.setAttribute("aria-sort", "none");
  }
}

// Sorts by a column: ascending, descending, then in the paper's order again.
function sort(body, paperOrder, header) {
  const next = { none: "ascending", ascending: "descending", descending: "none" };
  const order = next[header.getAttribute("aria-sort")];
  for (const other of header.parentElement.cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", order);
  const rows = [...paperOrder];
  if (order !== "none") rows.sort((one, other) => compare(one, other, header.cellIndex, order));
  body.append(...rows);
}

// Compares numbers by value and texts by letters; texts among numbers come last.
function compare(one, other, column, order) {
  const sign = order === "ascending" ? 1 : -1;
  const [a, b] = [one, other].map((row) => row.cells[column].textContent);
  const [x, y] = [a, b].map(parseFloat);
  if (isNaN(x) && isNaN(y)) return sign * a.localeCompare(b, "en");
  if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
  return sign * (x - y);
}

let shown = null; // the score whose tip is shown

function show(score) {
  hide();
  shown = score;
  tipOf(score).hidden = false;
  place();
}

function hide() {
  if (shown) tipOf(shown).hidden = true;
  shown = null;
}

function tipOf(score) {
  return score.nextElementSibling;
}

// Puts the tip below its score, or above if there is no room, and inside the window.
function place() {
  if (!shown) return;
  const tip = tipOf(shown);
  const { left, top, bottom } = shown.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const hasRoom = bottom + tip.offsetHeight <= clientHeight;
  tip.style.left = `${Math.max(0, Math.min(left, clientWidth - tip.offsetWidth))}px`;
  tip.style.top = `${hasRoom ? bottom : top - tip.offsetHeight}px`;
}

document.querySelectorAll(".score").forEach((score, number) => {
  tipOf(score).id = `tip-${number}`;
  score.setAttribute("aria-describedby", `tip-${number}`);
  score.parentElement.addEventListener("pointerenter", () => show(score));
  score.parentElement.addEventListener("pointerleave", hide);
  score.addEventListener("focus", () => show(score));
  score.addEventListener("click", () => show(score));
  score.addEventListener("blur", hide);
});
addEventListener("keydown", (event) => event.key === "Escape" && hide());
addEventListener("scroll", place, true); // also when a table scrolls in its box
addEventListener("resize", place);
