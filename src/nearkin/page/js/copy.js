// Copying where the clipboard is not to be had: over plain http the browser hides it.

/** Copy the text of an element; tells whether it is on the clipboard, else it stands selected. @param {HTMLElement} element */
export async function copyOf(element) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      // not allowed here; select it instead
    }
  }
  const selection = getSelection();
  const range = document.createRange();
  range.selectNodeContents(element);
  selection.removeAllRanges();
  selection.addRange(range);
  return document.execCommand("copy");
}
