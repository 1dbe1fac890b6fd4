"use strict";
// Tables sort by the column whose button is pressed: first way, other way, back to the order of the suite.
for (const table of document.querySelectorAll("table.sortable")) {
  const bodies = [...table.tBodies].filter((body) => !body.classList.contains("apart"));
  const original = bodies.map((body) => [...body.rows]);
  const rows = original.flat().filter((row) => !row.classList.contains("heading"));
  const headings = [...table.tHead.rows[0].cells];

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const compare = (one, other) => {
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other), "en", { numeric: true });
  };
  const restore = () => bodies.forEach((body, index) => body.replaceChildren(...original[index]));
  const sortBy = (column, sign) => {
    const filled = (row) => row.cells[column].textContent.trim() !== "–";
    const sorted = rows.filter(filled).sort((a, b) => sign * compare(keyOf(a, column), keyOf(b, column)));
    bodies.forEach((body) => body.replaceChildren());
    bodies[0].replaceChildren(...sorted, ...rows.filter((row) => !filled(row)));
  };

  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const cycle = heading.classList.contains("number")
        ? ["none", "descending", "ascending"]
        : ["none", "ascending", "descending"];
      const next = cycle[(cycle.indexOf(heading.getAttribute("aria-sort")) + 1) % cycle.length];
      headings.forEach((other) => other.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", next);
      if (next === "none") restore();
      else sortBy(column, next === "ascending" ? 1 : -1);
    });
  });
}
