// How well hits answer the query that is shown: grades from 0 to 3, given by keys or buttons, kept by the service.
import { ask } from "../api.js";
import { html, signal } from "../html.js";

export const GRADES = ["does not fit", "fits a little", "fits", "could not fit better"];

/** The query that is judged, and the grade of each thing that has one. */
export const judged = signal({ query: "", of: {} });
/** What came of the last grade, for those who hear it. */
export const said = signal("");

/** Bring to mind what was judged of a query. */
export async function recall(query) {
  said.value = "";
  if (!query) return void (judged.value = { query: "", of: {} });
  if (judged.value.query !== query) judged.value = { query, of: {} };
  const told = await ask(`v1/judgements?query=${encodeURIComponent(query)}`);
  if (judged.value.query === query) judged.value = { query, of: Object.fromEntries(told.judgements.map(({ item, grade }) => [item, grade])) };
}

/** Give a hit a grade; null takes it back. What is shown changes at once, and back where the service refuses. */
export async function judge(item, grade) {
  const { query, of: before } = judged.value;
  if (!query) return;
  judged.value = { query, of: { ...before, [item]: grade } };
  try {
    const told = await (grade === null ? takenBack(query, item) : ask("v1/judgements", { query, item, grade }, undefined, "PUT"));
    said.value = told.grade === null ? `${item}: no grade` : `${item}: ${told.grade}, ${GRADES[told.grade]}`;
    if (judged.value.query === query) judged.value = { query, of: { ...judged.value.of, [item]: told.grade } };
  } catch (error) {
    said.value = `${item} was not judged: ${error.message}`;
    if (judged.value.query === query) judged.value = { query, of: { ...judged.value.of, [item]: before[item] ?? null } };
  }
}

const takenBack = (query, item) => ask(`v1/judgements?query=${encodeURIComponent(query)}&item=${encodeURIComponent(item)}`, undefined, undefined, "DELETE");

export const gradeOf = (item) => judged.value.of[item] ?? null;

/** The grade of a hit, where it has one. */
export const Grade = ({ item }) => {
  const grade = gradeOf(item);
  return grade === null ? null : html`<small class="grade" data-grade=${grade} title=${GRADES[grade]}>judged ${grade}</small>`;
};

/** A button a grade. */
export const Grades = ({ item, title }) => html`<span class="grades" role="group" aria-label=${`judge ${title}`}>
  ${GRADES.map((says, grade) => html`<button key=${grade} title=${says} aria-label=${`${grade}, ${says}`} aria-pressed=${gradeOf(item) === grade} onClick=${() => judge(item, gradeOf(item) === grade ? null : grade)}>${grade}</button>`)}
</span>`;

/** What was said last, and whether it was kept. */
export const Said = () => html`<p class="told said" role="status">${said.value}</p>`;
