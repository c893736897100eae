"use strict";
(() => {
  const LONG = 20000; // characters of a text that are shown at once
  const CHOICES = ["q", "show", "category", "repeat", "sort"];
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  let data, shown = [], current, displayed = null, chosen = {}, applied;
  let words = [], found = new Set(), searches = 0, height = 60;
  // Strings become text and nothing else, whatever they hold.
  function make(tag, name, ...inside) {
    const made = Object.assign(document.createElement(tag), { className: name });
    made.append(...inside);
    return made;
  }
  // Without a theme the page follows the system. Storage may be off: then none is remembered.
  const stored = (act) => { try { return act(localStorage); } catch { return null; } };
  root.dataset.theme = stored((kept) => kept.getItem("judgebench-theme")) ?? "";
  const paint = (theme) => { root.dataset.theme = theme; stored((kept) => kept.setItem("judgebench-theme", theme)); };
  // Pages from disk may not fetch, but they may load scripts: those of this folder call judgebench().
  const types = window.trustedTypes ?? { createPolicy: (_, rules) => rules };
  const trusted = types.createPolicy("parts", { createScriptURL: (name) => `${document.body.dataset.folder}/${name}.js` });
  const load = (name) => new Promise((resolve) => {
    const script = make("script", "");
    Object.assign(script, { taken: resolve, onload: () => script.remove(), onerror: () => resolve([]) });
    script.src = trusted.createScriptURL(name);
    document.head.append(script);
  });
  window.judgebench = (name, content) => document.currentScript.taken(content);
  // The address of the page is its whole state: what is chosen, and what is open.
  function go(changes, lasting = false) {
    const next = new URLSearchParams(location.hash.slice(1));
    for (const [name, value] of Object.entries(changes)) if (value) next.set(name, value); else next.delete(name);
    if (lasting) location.hash = next; else location.replace(`#${next}`);
    apply(); // the event comes later, too late for the next key
  }
  const open = (entry) => entry && go({ item: data.ids[entry.item], round: entry.repeat }, true);
  const step = (by) => open(shown[shown.indexOf(current) + by]);

  function choose(progress = "") {
    const [category, sort] = [data.categories.indexOf(chosen.category), data.sorts.indexOf(chosen.sort)];
    const bits = data.filters.reduce((all, name, bit) => all | (chosen.show.split(",").includes(name) << bit), 0);
    shown = data.entries.filter((entry) =>
      (entry.bits & bits) === bits && (category < 0 || entry.category === category) &&
      (!chosen.repeat || entry.repeat === Number(chosen.repeat)) &&
      (found.has(entry.item) || words.every((word) => data.keys[entry.item].includes(word))));
    const number = (entry) => entry.numbers[sort] ?? -Infinity;
    if (sort >= 0) shown.sort((a, b) => (number(a) === number(b) ? 0 : number(b) - number(a)));
    const none = shown.length || progress ? "" : ". Nothing matches: clear the filters to see all";
    const counts = [shown, data.entries].map((entries) => entries.length.toLocaleString("en"));
    $("status").textContent = `${counts.join(" of ")}${progress}${none}`;
    select(!progress);
  }
  // Ids and beginnings are at hand. Whole texts are read file by file, between whatever else there is to do.
  async function searchTexts(turn) {
    const texts = (block) => [block.text ?? "", ...(block.blocks ?? []).flatMap(texts)];
    for (const [number, first] of data.parts.entries()) {
      const items = turn === searches ? await load(number) : [];
      if (turn !== searches) return;
      items.forEach((item, nth) => {
        const text = [data.keys[first + nth], ...item.blocks.flatMap(texts)].join("\n").toLowerCase();
        if (words.every((word) => text.includes(word))) found.add(first + nth);
      });
      if (number % 10 === 9) choose(`, ${Math.round((100 * number) / data.parts.length)} % of texts searched`);
    }
    choose();
  }
  // Only the rows in sight are there.
  function draw() {
    const first = Math.max(0, Math.floor($("list").scrollTop / height) - 8);
    const seen = shown.slice(first, first + Math.ceil($("list").clientHeight / height) + 16);
    $("rows").replaceChildren(...seen.map((entry, nth) => Object.assign(
      make("div", "entry", make("span", `tag ${entry.tone}`, entry.badge),
        make("span", "what", data.excerpts[entry.item] || data.ids[entry.item]), make("small", "", entry.line)),
      { onclick: () => open(entry), id: `row-${first + nth}`, role: "option", ariaSelected: entry === current,
        ariaSetSize: shown.length, ariaPosInSet: first + nth + 1 })));
    height = $("rows").firstChild?.offsetHeight || height;
    Object.assign($("rows").style, { paddingTop: `${first * height}px`, height: `${shown.length * height}px` });
    $("list").setAttribute("aria-activedescendant", $("rows").querySelector("[aria-selected=true]")?.id ?? "");
  }

  function view(block, level = 2) {
    const { title, badge, tone = "", kind = "", note = "", facts = [], text = "", blocks = [] } = block;
    const head = make(`h${level}`, "", make("bdi", "", title), ...(badge ? [make("span", `tag ${tone}`, badge)] : []));
    const list = make("dl", "", ...facts.map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))));
    const rest = make("details", "", make("summary", "", `${text.length - LONG} more characters`), make("pre", "", text.slice(LONG)));
    return make("section", `block ${kind} ${tone}`, head, make("small", "", note), list, make("pre", "", text.slice(0, LONG)),
      ...(text.length > LONG ? [rest] : []), make("div", "blocks", ...blocks.map((inner) => view(inner, level + 1))));
  }

  async function show(entry) {
    if (displayed) $("steps").scrollIntoView({ block: "nearest" });
    displayed = entry;
    const number = data.parts.findLastIndex((first) => first <= entry?.item);
    const item = entry && (await load(number))[entry.item - data.parts[number]];
    if (entry !== current) return;
    const blocks = item?.blocks.filter((block) => (block.repeat ?? entry.repeat) === entry.repeat), title = data.ids[entry?.item];
    const missing = entry ? "Its file is gone. To make the pages anew, type: judgebench view RUN" : "No item to show.";
    $("detail").replaceChildren(item ? view({ ...entry, ...item, blocks, title }) : make("p", "notice", missing));
  }

  function select(moving) {
    const now = new URLSearchParams(location.hash.slice(1)), list = $("list"), room = list.clientHeight - height;
    const opened = (entry) => data.ids[entry.item] === now.get("item") && entry.repeat === Number(now.get("round"));
    current = now.has("item") ? data.entries.find(opened) : shown[0];
    const place = shown.indexOf(current), top = place * height, hidden = top < list.scrollTop || top > list.scrollTop + room;
    [$("back").disabled, $("on").disabled] = [place < 1, place + 1 >= shown.length];
    draw();
    if (moving && hidden) list.scrollTop = top - room / 2;
    if (displayed !== current) show(current);
  }

  function apply() {
    if (applied === location.hash) return;
    applied = location.hash;
    const now = new URLSearchParams(applied.slice(1)), earlier = chosen;
    chosen = Object.fromEntries(CHOICES.map((name) => [name, now.get(name) ?? ""]));
    for (const field of $("choose").elements) {
      if (field.type === "checkbox") field.checked = chosen.show.split(",").includes(field.value);
      else if (field.name && field.value !== chosen[field.name]) field.value = chosen[field.name];
    }
    if (chosen.q !== earlier.q) {
      [words, found, searches] = [chosen.q.toLowerCase().split(/\s+/).filter(Boolean), new Set(), searches + 1];
      if (words.length) setTimeout(searchTexts, 300, searches);
    }
    const searching = words.length && chosen.q !== earlier.q ? ", searching texts" : "";
    if (CHOICES.some((name) => chosen[name] !== earlier[name])) choose(searching); else select(true);
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea")) return;
    const by = { j: 1, k: -1, ...(event.target === $("list") && { ArrowDown: 1, ArrowUp: -1 }) }[event.key];
    if (event.key === "/") $("search").focus(); else if (by) step(by); else return;
    event.preventDefault();
  }

  document.addEventListener("DOMContentLoaded", async () => {
    data = await load("list");
    data.entries = data.entries.map((values) => Object.fromEntries(data.fields.map((name, nth) => [name, values[nth]])));
    data.keys = data.ids.map((id, nth) => `${id}\n${data.excerpts[nth]}`.toLowerCase());
    Object.assign($("theme"), { value: root.dataset.theme, onchange: (event) => paint(event.target.value) });
    const form = $("choose"), focus = (id) => { $(id).focus(); return false; };
    const pick = () => go(Object.fromEntries(CHOICES.map((name) => [name, new FormData(form).getAll(name).join(",")])));
    Object.assign(form, { oninput: pick, onreset: () => setTimeout(pick), onsubmit: () => focus("list"), hidden: false });
    [$("back").onclick, $("on").onclick, $("skip").onclick] = [() => step(-1), () => step(1), () => focus("detail")];
    $("list").onscroll = () => requestAnimationFrame(draw);
    for (const [name, does] of [["resize", draw], ["hashchange", apply], ["keydown", press]]) addEventListener(name, does);
    apply();
  });
})();
