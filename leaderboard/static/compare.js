"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const data = JSON.parse(document.getElementById("outcomes").textContent);
  const bytes = Uint8Array.from(atob(data.matrix), (c) => c.charCodeAt(0));
  const code = (bit) => (bytes[bit >> 3] >> (bit & 7)) & ((1 << data.bits) - 1);
  const runs = [...document.querySelectorAll("#runs tr")]; // in the order of the matrix
  const text = (run) => `${run.cells[0].textContent}, ${run.cells[1].textContent}`;
  const picks = [...document.querySelectorAll("#pick select")];
  for (const pick of picks) for (const run of runs) pick.add(new Option(text(run), run.id));
  const show = (id, ...what) => document.getElementById(id).replaceChildren(...what);
  const shown = (x) => (data.scale * x).toFixed(data.digits).replace(/^-(?=[0.]+$)/, "").replace("-", "−");
  function read({ selectedIndex }) { // a run's values by item, their mean, and how far each item moves it
    const values = data.items.map((_, i) => data.palette[code((selectedIndex * data.stride + i) * data.bits)]);
    const known = values.filter((x) => x !== null);
    const mean = known.reduce((sum, x) => sum + x, 0) / known.length;
    return [values, mean, values.map((x) => (x === null ? 0 : (x - mean) / known.length))];
  }
  function compare() { // the judges that the address names, if it names any; else those that are chosen already
    location.hash.split(/[#,]/, 3).forEach((id, k) => { if (runs.some((r) => r.id === id)) picks[k - 1].value = id; });
    if (picks[0].value === picks[1].value) picks[1].selectedIndex = picks[0].selectedIndex ? 0 : 1;
    picks.forEach((pick, k) => show(`page-${k}`, ...runs[pick.selectedIndex].cells[0].cloneNode(true).childNodes));
    const [[a, meanA, movedA], [b, meanB, movedB]] = picks.map(read);
    const [difference, sums] = [meanA - meanB, Array(data.questions).fill(0)];
    data.source.forEach((question, i) => { sums[question] += movedA[i] - movedB[i]; });
    const error = Math.hypot(...sums) * Math.sqrt(data.questions / (data.questions - 1));
    const which = (test) => [...a.keys()].filter((i) => a[i] !== null && b[i] !== null && test(a[i], b[i]));
    const tests = [(x, y) => x && x === y, (x, y) => x > y, (x, y) => x < y, (x, y) => x === 0 && y === 0];
    const counts = tests.map((test) => which(test).length);
    counts.forEach((count, k) => show(`count-${k}`, count));
    const level = data.levels.filter(([, t, least]) => Math.abs(difference) > t * error
      && (!least || counts[1] + counts[2] >= least[Math.min(counts[1], counts[2])])).at(-1);
    show("told", level ? `They can be told apart (p < ${level[0]}).` : "They cannot be told apart (p ≥ 0.05).");
    show("difference", (Number(shown(difference)) > 0 ? "+" : "") + shown(difference));
    show("interval", `[${shown(difference - data.reach * error)}, ${shown(difference + data.reach * error)}]`);
    show("differ");
    for (const i of which((x, y) => x !== y)) {
      const row = document.getElementById("differ").insertRow();
      for (const text of [data.items[i], data.categories[data.category[i]], a[i], b[i]]) row.insertCell().append(text);
    }
  }
  document.getElementById("pick").onchange = () => location.replace(`#${picks.map((pick) => pick.value)}`);
  addEventListener("hashchange", compare);
  document.getElementById("chosen").hidden = false;
  compare();
});
