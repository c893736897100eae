"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const data = JSON.parse(document.getElementById("outcomes").textContent);
  const bytes = Uint8Array.from(atob(data.matrix), (c) => c.charCodeAt(0));
  const [bits, stride] = [data.bits, Math.ceil((data.items.length * data.bits) / 8)];
  const at = (run, i) => data.palette[(bytes[run * stride + ((i * bits) >> 3)] >> ((i * bits) & 7)) & ((1 << bits) - 1)];
  const mean = (v) => v.reduce((sum, x) => sum + x, 0) / v.filter((x) => x !== null).length;
  const moved = (v) => v.map((x) => (x === null ? 0 : (x - mean(v)) / v.filter((y) => y !== null).length));
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const shown = (x) => (data.share ? (100 * x).toFixed(1) : x.toFixed(3)).replace(/^-(?=[0.]+$)/, "").replace("-", "−");
  function exact(one, other) { // McNemar's p, for numbers of items that only one of two has right
    let [term, sum] = [-(one + other) * Math.LN2, 0];
    for (let k = 0; k <= Math.min(one, other); k++, term += Math.log((one + other - k + 1) / k)) sum += Math.exp(term);
    return Math.min(1, 2 * sum);
  }
  const picks = [...document.querySelectorAll("#pick select")];
  for (const pick of picks) for (const [run, label] of data.runs) pick.add(new Option(label, run));
  function compare() {
    const [a, b] = picks.map((pick) => data.items.map((_, i) => at(pick.selectedIndex, i)));
    const [difference, ofA, ofB, sums] = [mean(a) - mean(b), moved(a), moved(b), Array(data.questions).fill(0)];
    data.source.forEach((question, i) => { sums[question] += ofA[i] - ofB[i]; });
    const error = Math.sqrt((sums.reduce((sum, x) => sum + x * x, 0) * data.questions) / (data.questions - 1));
    const which = (test) => [...a.keys()].filter((i) => a[i] !== null && b[i] !== null && test(a[i], b[i]));
    const counts = [(x, y) => x && x === y, (x, y) => x > y, (x, y) => x < y, (x, y) => x === 0 && y === 0].map((t) => which(t).length);
    const p = Math.max(data.calls ? exact(counts[1], counts[2]) : 0, 2 ** (1 - data.questions));
    const level = data.levels.filter(([most, t]) => t !== null && Math.abs(difference) > t * error && p < most).at(-1);
    const reach = data.levels[0][1] === null ? Infinity : data.levels[0][1] * error;
    picks.map((pick) => data.runs[pick.selectedIndex]).forEach(([, label, href, headline], k) => {
      Object.assign(document.getElementById(`page-${k}`), { href, textContent: label });
      show(`headline-${k}`, headline);
    });
    show("difference", (Number(shown(difference)) > 0 ? "+" : "") + shown(difference));
    show("interval", `[${shown(difference - reach)}, ${shown(difference + reach)}]`);
    show("told", level ? `They can be told apart (p < ${level[0]}).` : "They cannot be told apart (p ≥ 0.05).");
    counts.forEach((count, k) => show(`count-${k}`, count));
    const list = document.getElementById("differ");
    list.textContent = "";
    for (const i of which((x, y) => x !== y)) {
      const row = list.insertRow();
      for (const text of [data.items[i], data.categories[data.category[i]], a[i], b[i]]) row.insertCell().textContent = text;
    }
    history.replaceState(null, "", `#${picks.map((pick) => pick.value).join(",")}`);
  }
  function choose() {
    const runs = location.hash.slice(1).split(",").map((run) => data.runs.findIndex(([id]) => id === run));
    picks.forEach((pick, k) => { if (runs[k] >= 0) pick.selectedIndex = runs[k]; });
    if (picks[0].value === picks[1].value) picks[1].selectedIndex = picks[0].selectedIndex ? 0 : 1;
    document.getElementById("chosen").hidden = false;
    compare();
  }
  document.getElementById("pick").addEventListener("change", compare);
  addEventListener("hashchange", choose);
  choose();
});
