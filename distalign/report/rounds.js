"use strict";
// Rows are drawn as they are asked for, and every text enters the page as text alone.
const data = JSON.parse(document.getElementById("data").textContent);
const STEP = 50;
const find = (id) => document.getElementById(id);
const fields = ["context", "read", "drawn", "only", "q"];
// What no token, or no category, is called: "none", unless a category is.
const NONE = data.categories.includes("none") ? "(none)" : "none";
const name = (place) => (place === null ? NONE : data.categories[place]);
const rows = data.rows.map(([context, round, prompt, text, raw, drawn, p, mass, read, refused, judge, why]) => ({
  context: data.contexts[context], round, prompt: data.prompts[prompt], text, raw, p, mass,
  drawn, read, refused, judge, why,
}));
for (const row of rows) {
  row.place = `${row.context}.${row.round}`;
  row.searched = [row.context, row.prompt, row.text, row.raw ?? "", row.why].join("\n").toLowerCase();
}
const ONLY = {
  invalid: (row) => row.read === null,
  refused: (row) => row.refused,
  contradicting: (row) => row.drawn !== null && row.read !== null && row.read !== row.drawn,
};
let shown = STEP, marked = "", found = rows;

function element(tag, text, parent, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  parent?.append(made);
  return made;
}

function options(id, values) {
  for (const value of values) element("option", value, find(id)).value = value;
}

function filtered() {
  const [context, read, drawn, only] = fields.map((id) => find(id).value);
  const wanted = find("q").value.toLowerCase();
  return rows.filter((row) =>
    (!context || row.context === context) && (!read || name(row.read) === read) &&
    (!drawn || name(row.drawn) === drawn) && (!only || ONLY[only](row)) && row.searched.includes(wanted));
}

function fragment(place) {
  const kept = fields.map((id) => [id, find(id).value]).filter(([, value]) => value);
  if (place) kept.push(["at", place]);
  return `#${new URLSearchParams(kept)}`;
}

function copy(text, button) {
  const area = element("textarea", "", document.body);
  area.value = text;
  area.select();
  button.textContent = document.execCommand("copy") ? "Copied" : "Not copied";
  area.remove();
}

function article(row) {
  const made = document.createElement("article");
  made.className = row.place === marked ? "marked" : "";
  const link = element("a", `${row.context}, round ${row.round}`, element("h2", "", made));
  link.href = fragment(row.place);
  const list = element("dl", "", made);
  const say = (term, text) => {
    element("dt", term, list);
    element("dd", text, list).dir = "auto";
  };
  say("Prompt", row.prompt);
  if (row.p) {
    const shares = row.p.map((p, place) => `${data.categories[place]} ${p.toFixed(3)}`).join(", ");
    const mass = row.mass === null ? "" : `; together ${row.mass.toFixed(4)} of the vocabulary`;
    say("P(token | prompt)", shares + mass);
  }
  if (row.drawn !== null) say("Drawn token", name(row.drawn));
  say("Answer", row.text);
  if (row.raw !== null && row.raw !== row.text) say("Whole output", row.raw);
  const why = row.why && `: ${row.why}`;
  const read = name(row.read) + (row.read === null && row.refused ? ", refused" : "");
  say("Read", `${read} (${row.judge}${why})`);
  const button = element("button", "Copy", made);
  button.type = "button";
  const { searched, place, ...kept } = row;
  const named = { ...kept, drawn: name(row.drawn), read: name(row.read) };
  button.addEventListener("click", () => copy(JSON.stringify(named, null, 1), button));
  return made;
}

function draw() {
  const list = find("rounds");
  list.replaceChildren(...found.slice(0, shown).map(article));
  const first = Math.min(shown, found.length);
  find("count").textContent = `${found.length} of ${rows.length} rounds; the first ${first} are shown`;
  find("more").hidden = first === found.length;
}

function change() {
  shown = STEP;
  marked = "";
  found = filtered();
  draw();
  history.replaceState(null, "", fragment());
}

function restore() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const id of fields) find(id).value = said.get(id) ?? "";
  marked = said.get("at") ?? "";
  found = filtered();
  shown = Math.max(STEP, found.findIndex((row) => row.place === marked) + 1);
  draw();
  document.querySelector(".marked")?.scrollIntoView({ block: "center" });
}

options("context", data.contexts);
for (const id of ["read", "drawn"]) options(id, [...data.categories, NONE]);
for (const id of fields) find(id).addEventListener("input", change);
find("more").addEventListener("click", () => {
  shown += STEP;
  draw();
});
find("filters").addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", restore);
restore();
