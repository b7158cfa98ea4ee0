/* What a report does: its theme, tables that sort, filter and turn pages, and charts that answer to the pointer. */
"use strict";
(() => {
  const PAGE = 100; // rows of a table shown at once
  const MOST_PRINTED = 1000; // rows printed; of longer tables, the page that is shown
  const root = document.documentElement;
  const make = (tag, text = "") => Object.assign(document.createElement(tag), { textContent: text });

  /* ---- theme ---- */

  const button = document.getElementById("theme");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (systemDark.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  systemDark.addEventListener("change", nameTheme);
  nameTheme();
  button.hidden = false;

  /* ---- tables ---- */

  const byText = new Intl.Collator(undefined, { numeric: true }).compare;
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const numberOf = (cell) => ("value" in cell.dataset ? Number(cell.dataset.value) : NaN);

  function compareBy(column, numeric, sign) {
    return (a, b) => {
      const [x, y] = [a.cells[column], b.cells[column]];
      if (!numeric) return sign * byText(x.textContent, y.textContent);
      const [u, v] = [numberOf(x), numberOf(y)];
      return isNaN(u) || isNaN(v) ? isNaN(u) - isNaN(v) : sign * (u - v); // what is not known stands last
    };
  }

  function setUpTable(table) {
    const tools = table.closest(".scroll").previousElementSibling;
    const [search, status] = [tools.querySelector("input"), tools.querySelector("[role=status]")];
    const turns = [...tools.querySelectorAll("[data-turn]")];
    const body = table.tBodies[0];
    const all = [...body.rows];
    let [rows, first] = [all, 0];

    function show() {
      const until = Math.min(first + PAGE, rows.length);
      body.replaceChildren(...rows.slice(first, until));
      const shown = rows.length > PAGE ? `${first + 1} to ${until} of ` : "";
      const of = rows.length < all.length ? ` of ${all.length.toLocaleString("en")}` : "";
      status.textContent = `${shown}${rows.length.toLocaleString("en")}${of} ${status.dataset.things}`;
      for (const turn of turns) {
        turn.hidden = rows.length <= PAGE;
        turn.disabled = turn.dataset.turn < 0 ? first === 0 : until === rows.length;
      }
    }

    let order = () => 0;
    function choose() {
      const wanted = plain(search.value.trim());
      rows = all.filter((row) => plain(row.cells[0].textContent).includes(wanted)).sort(order);
      first = 0;
      show();
    }

    function sortBy(header, column) {
      const numeric = "numeric" in header.dataset;
      const before = header.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric; // figures: the largest first
      for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      order = compareBy(column, numeric, down ? -1 : 1);
      choose();
    }

    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const sorter = make("button");
      sorter.type = "button";
      sorter.append(...header.childNodes);
      header.append(sorter);
      sorter.addEventListener("click", () => sortBy(header, column));
    });
    search.addEventListener("input", choose);
    for (const turn of turns) {
      turn.addEventListener("click", () => { first += PAGE * turn.dataset.turn; show(); });
    }
    addEventListener("beforeprint", () => { if (rows.length <= MOST_PRINTED) body.replaceChildren(...rows); });
    addEventListener("afterprint", show);
    show();
    tools.hidden = false;
    return all;
  }

  const rowsOf = new Map([...document.querySelectorAll("table.groups")].map((t) => [t.id, setUpTable(t)]));

  /* ---- charts ---- */

  const tip = make("div");
  tip.className = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);

  /* A group's tooltip is its row of the table. */
  function fillTip(table, row) {
    const facts = make("dl");
    const headers = [...document.getElementById(table).tHead.rows[0].cells];
    const cells = [...rowsOf.get(table)[row].cells];
    headers.forEach((header, i) => {
      if (i === 0 || header.hidden) return;
      const [pair, figure] = [make("div"), make("dd")];
      figure.append(...[...cells[i].childNodes].map((node) => node.cloneNode(true)));
      pair.append(make("dt", header.querySelector("button").lastChild.textContent.trim()), figure);
      facts.append(pair);
    });
    const name = make("strong", cells[0].textContent);
    name.dir = "auto";
    tip.replaceChildren(name, facts);
  }

  function placeTip(event) {
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const [x, y] = [event.clientX, event.clientY];
    const beside = x + 16 + width < innerWidth ? x + 16 : x - 16 - width;
    const apart = y < innerHeight / 2 ? y + 40 : y - 40 - height; // where there is no room beside the pointer
    const [left, top] = beside >= 4 ? [beside, y - height / 2] : [x - width / 2, apart];
    tip.style.left = `${Math.max(4, Math.min(left, innerWidth - width - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(top, innerHeight - height - 4))}px`;
  }

  async function setUpChart(chart) {
    const { views } = JSON.parse(document.getElementById(`${chart.id}-views`).textContent);
    const choices = [...chart.querySelectorAll(".views input")];
    const plot = chart.querySelector(".plot");
    const description = plot.ariaLabel;
    const table = chart.dataset.table;
    let drawn;

    async function draw(i) {
      const view = choices[i]?.dataset.view;
      drawn?.finalize();
      drawn = await window.vegaEmbed(plot, { ...views[i], description }, {
        actions: false,
        ast: true, // expressions are interpreted: the page's policy forbids making code of texts
        defaultStyle: false,
        renderer: "svg",
        tooltip: (handler, event, item, value) => {
          if (value === undefined || value === null || value === "") tip.hidden = true;
          else { fillTip(table, Number(value)); placeTip(event); }
        },
      });
      const headers = document.getElementById(table).tHead.rows[0];
      for (const row of [headers, ...rowsOf.get(table)]) {
        for (const cell of row.cells) cell.hidden = (cell.dataset.view ?? view) !== view;
      }
    }

    choices.forEach((choice, i) => choice.addEventListener("change", () => draw(i)));
    chart.hidden = false;
    await draw(0);
    chart.dataset.drawn = "";
  }

  for (const chart of document.querySelectorAll(".chart")) setUpChart(chart);
})();
