"use strict";
const say = (text) => { document.getElementById("said").textContent = text; };
const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

async function copyText(text, what) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  say(done ? `Copied: ${what}` : `${what} could not be copied`);
}

// A table sorts by the column whose button is pressed: first way, other way, back to the order of the suite.
function makeSortable(table) {
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

// Which columns stand, by check boxes; those marked as aside do not at first.
function chooseColumns(table) {
  const headings = [...table.tHead.rows[0].cells];
  const cellsOf = (column) => [...table.rows].filter((row) => !row.classList.contains("heading")).map((row) => row.cells[column]);
  const show = (column, shown) => cellsOf(column).forEach((cell) => { cell.hidden = !shown; });
  const boxes = make("details", {}, make("summary", { textContent: "Columns" }));
  headings.forEach((heading, column) => {
    if (!column) return;
    const shown = heading.dataset.aside === undefined;
    const box = make("input", { type: "checkbox", checked: shown });
    box.addEventListener("change", () => show(column, box.checked));
    show(column, shown);
    boxes.append(make("label", {}, box, " ", make("bdi", { textContent: heading.textContent.trim() })));
  });
  return boxes;
}

// The visible cells as text, the heading first; the heading of a block is a row of one cell.
function visibleRows(table) {
  return [...table.rows].map((row) => [...row.cells].filter((cell) => !cell.hidden).map((cell) => cell.textContent.trim()));
}

const LATEX = {
  "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", _: "\\_", "{": "\\{", "}": "\\}",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
  "±": "$\\pm$", "Δ": "$\\Delta$", "−": "$-$", "–": "--", "→": "$\\rightarrow$", "≥": "$\\geq$", "≤": "$\\leq$",
};
const forms = {
  LaTeX: (rows) => {
    const escaped = (text) => [...text].map((character) => LATEX[character] ?? character).join("");
    const line = (row) => `${row.map((text) => (/^[[*]/.test(text) ? "{}" : "") + escaped(text)).join(" & ")} \\\\`;
    const [head, ...rest] = rows;
    const wide = (row) => row.length === 1 ? `\\multicolumn{${head.length}}{l}{${escaped(row[0])}} \\\\` : line(row);
    return [`\\begin{tabular}{l${"r".repeat(head.length - 1)}}`, "\\hline", line(head), "\\hline", ...rest.map(wide), "\\hline", "\\end{tabular}", ""].join("\n");
  },
  Markdown: (rows) => {
    const escaped = (text) => text.replace(/\s+/g, " ").replace(/[\\`*_|~<>&[\]]/g, "\\$&");
    const [head, ...rest] = rows;
    const line = (row) => `| ${[...row.map(escaped), ...Array(head.length - row.length).fill("")].join(" | ")} |`;
    return [line(head), `|${head.map((_, column) => (column ? "---:" : "---")).join("|")}|`, ...rest.map(line), ""].join("\n");
  },
  CSV: (rows) => {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return rows.filter((row) => row.length > 1).map((row) => `${row.map((text) => quoted(text.replaceAll("−", "-"))).join(",")}\n`).join("");
  },
};

for (const table of document.querySelectorAll("table.sortable")) {
  makeSortable(table);
  const tools = table.closest("figure").querySelector("[data-tools]");
  if (table.tHead.rows[0].cells.length > 3) tools.append(chooseColumns(table));
  for (const [name, written] of Object.entries(forms)) {
    const button = make("button", { type: "button", textContent: `Copy as ${name}` });
    button.addEventListener("click", () => copyText(written(visibleRows(table)), `${table.dataset.title} as ${name}`));
    tools.append(button);
  }
}

// Nothing that is folded is lost on paper, and everything is folded again afterwards.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("main details:not([open])")].filter((each) => !each.closest(".tools") && each.id !== "fallback");
  folded.forEach((each) => { each.open = true; });
});
addEventListener("afterprint", () => folded.forEach((each) => { each.open = false; }));
