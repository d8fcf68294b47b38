"use strict";
(() => {
  const cards = [...document.querySelectorAll(".strip li")];
  const figures = [...document.querySelectorAll(".charts figure")];
  const body = document.querySelector("tbody");
  const rows = [...body.rows];
  const scrub = document.querySelector(".scrub input");
  const output = document.querySelector(".scrub output");
  const text = (element, words) => { element.textContent = words; };

  const choose = (step) => {
    cards.forEach((card, i) => card.classList.toggle("chosen", i === step));
    rows.forEach((row) => row.classList.toggle("chosen", Number(row.dataset.step) === step));
    for (const figure of figures) {
      const cursor = figure.querySelector(".cursor");
      let here = null;
      for (const dot of figure.querySelectorAll("circle")) {
        const is = Number(dot.dataset.step) === step;
        dot.classList.toggle("chosen", is);
        if (is) here = dot;
      }
      cursor.setAttribute("visibility", here ? "visible" : "hidden");
      for (const end of here ? ["x1", "x2"] : []) cursor.setAttribute(end, here.getAttribute("cx"));
      const values = figure.dataset.values.split("|");
      text(figure.querySelector("span"), step === null ? figure.dataset.range : values[step] || "no value");
    }
    const smiles = step === null ? "" : cards[step].querySelector("code").textContent;
    text(output, step === null ? "" : `step ${step}: ${smiles}`);
    if (step !== null) scrub.value = String(step);
  };

  cards.forEach((card, i) => card.addEventListener("pointerenter", () => choose(i)));
  rows.forEach((row) => row.addEventListener("pointerenter", () => choose(Number(row.dataset.step))));
  scrub.addEventListener("input", () => choose(Number(scrub.value)));
  scrub.addEventListener("focus", () => choose(Number(scrub.value)));
  for (const figure of figures) {
    const drawing = figure.querySelector("svg");
    drawing.addEventListener("pointermove", (event) => {
      const box = drawing.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * drawing.viewBox.baseVal.width;
      let best = null, least = Infinity;
      for (const dot of figure.querySelectorAll("circle")) {
        const gap = Math.abs(Number(dot.getAttribute("cx")) - x);
        if (gap < least) { least = gap; best = Number(dot.dataset.step); }
      }
      if (best !== null) choose(best);
    });
  }

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  const compare = (a, b) => {
    const numbers = typeof a === "number" && typeof b === "number";
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return numbers ? a - b : a < b ? -1 : a > b ? 1 : 0;
  };
  document.querySelectorAll("th").forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      document.querySelectorAll("th").forEach((other) => other.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const order = rows.map((row, i) => [key(row, column), i, row]);
      const filled = order.filter(([value]) => value !== "");
      const empty = order.filter(([value]) => value === "");
      filled.sort((a, b) => (down ? -1 : 1) * compare(a[0], b[0]) || a[1] - b[1]);
      body.append(...filled.concat(empty).map((entry) => entry[2]));
    });
  });
})();
