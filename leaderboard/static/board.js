"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const stored = (act) => { try { return act(localStorage); } catch { return null; /* storage is off: not remembered */ } };
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  function showTheme() {
    const chosen = stored((storage) => storage.getItem("judgebench-theme"));
    if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
    document.getElementById("theme")?.setAttribute("aria-pressed", String(isDark()));
  }

  // The rows that the page does not begin with, put where they belong as the server escaped them.
  async function unpack(block) {
    const bytes = Uint8Array.from(atob(block.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const rest = new DOMParser().parseFromString(`<table>${await new Response(stream).text()}`, "text/html");
    const table = document.getElementById(block.dataset.table);
    all("tbody", rest).forEach((body, at) => table.tBodies[at].append(...body.rows));
    document.getElementById(`${table.id}-more`).remove();
  }

  // Without an order given, the other one. Rows without a value come last in both; equal rows keep their order.
  function sort(head, given) {
    const [column, numeric, table] = [head.cellIndex, head.dataset.type === "num", head.closest("table")];
    const natural = numeric && !head.matches(".rank, .lower") ? "descending" : "ascending";
    const opposite = natural === "ascending" ? "descending" : "ascending";
    const order = given ?? (head.getAttribute("aria-sort") === natural ? opposite : natural);
    const value = (row) => (numeric ? row.cells[column].dataset.v : row.cells[column].textContent.trim());
    const upwards = (one, two) => (numeric ? one - two : one.localeCompare(two, "en", { numeric: true }));
    for (const other of head.parentElement.cells) other.setAttribute("aria-sort", other === head ? order : "none");
    for (const body of table.tBodies) {
      const rows = all("tr:not(.group)", body).map((row) => [value(row), row]);
      rows.sort(([a], [b]) => (a === undefined) - (b === undefined) || (order === "ascending" ? upwards(a, b) : upwards(b, a)));
      body.append(...rows.map(([, row]) => row));
    }
    table.dataset.sorted = `${column}-${order}`;
  }

  function filter(form) {
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = all("select", form).filter((one) => one.value).map((one) => [one.name, ` ${one.value} `]);
    const rows = all("tr.row");
    for (const row of rows) {
      const says = row.querySelector("th").textContent.toLowerCase();
      const fits = wanted.every(([name, value]) => ` ${row.dataset[name]} `.includes(value));
      row.hidden = !fits || !words.every((word) => says.includes(word));
    }
    for (const count of all("tbody .count")) {
      count.textContent = all("tr.row:not([hidden])", count.closest("tbody")).length;
      count.closest("tbody").hidden = count.textContent === "0";
    }
    const [left, status] = [rows.filter((row) => !row.hidden).length, document.getElementById("status")];
    status.textContent = left ? `${left} of ${rows.length} rows` : "No row matches. Clear the filter to see all.";
  }

  // What the reader chose stands in the address's fragment, so that a view can be linked and kept.
  function remember(form) {
    const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    for (const table of all("table[data-sorted]")) state.set(table.id, table.dataset.sorted);
    history.replaceState(null, "", `#${state}`);
  }

  function recall(form) {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const one of form.elements) {
      const value = state.get(one.name) ?? "";
      if (one.type === "radio" || one.type === "checkbox") one.checked = one.value === value;
      else if (one.name) one.value = value;
      if (one.selectedIndex === -1) one.selectedIndex = 0;
    }
    for (const table of all("table[id]")) {
      const [, column, order] = /^(\d+)-((?:a|de)scending)$/.exec(state.get(table.id)) ?? [];
      if (table.rows[0].cells[column]?.dataset.type) sort(table.rows[0].cells[column], order);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const [theme, form] = ["theme", "filter"].map((id) => document.getElementById(id));
    const show = () => { if (form) { if (/=|^$/.test(location.hash)) recall(form); filter(form); } };
    const change = () => { if (form) { filter(form); remember(form); } };
    const sortBy = (event) => { sort(event.currentTarget.closest("th")); change(); };
    for (const button of all("thead button")) button.addEventListener("click", sortBy);
    for (const control of all("select, input")) control.addEventListener("input", change);
    form?.addEventListener("submit", (event) => event.preventDefault());
    form?.addEventListener("reset", () => setTimeout(change));
    theme.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      stored((storage) => storage.setItem("judgebench-theme", root.dataset.theme));
      showTheme();
    });
    prefersDark.addEventListener("change", showTheme);
    addEventListener("storage", showTheme);
    addEventListener("hashchange", show);
    for (const control of [theme, form]) control?.removeAttribute("hidden");
    showTheme();
    show();
    const packed = "DecompressionStream" in globalThis ? all("script.rest") : [];
    if (packed.length) requestAnimationFrame(() => setTimeout(() => Promise.all(packed.map(unpack)).then(show)));
  });
  showTheme();
})();
