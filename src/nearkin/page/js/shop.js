// What the collection is: asked for once.
import { ask } from "./api.js";
import { computed, signal } from "./html.js";

/** The answer of v1/info, or null while it is on its way. */
export const info = signal(null);
export const trouble = signal(null);

export async function load() {
  try {
    info.value = await ask("v1/info");
    trouble.value = null;
  } catch (error) {
    trouble.value = error;
  }
}

export const stages = computed(() => (info.value ? [...info.value.search, "all"] : []));
export const facetFields = computed(() => fieldsOf("category"));

/** Whether a field holds several values a thing. */
export const isList = (field) => (info.value?.lists ?? []).includes(field);

/** Names of the fields with this role. */
export const fieldsOf = (role) => Object.entries(info.value?.roles ?? {}).filter(([, each]) => each === role).map(([name]) => name);
