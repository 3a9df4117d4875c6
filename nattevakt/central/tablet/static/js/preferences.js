// Dark or light, and the language: kept in cookies that the server reads, so that the page never flashes.
// Must not know anything else of the page.

const YEAR_S = 365 * 24 * 3600;

/** @param {string} name @param {string} value */
function remember(name, value) {
  document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR_S}; SameSite=Strict`;
}

/** Make the buttons of the foot line work. */
export function preferences() {
  for (const button of document.querySelectorAll("button[data-scheme]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    button.addEventListener("click", () => {
      const scheme = button.dataset["scheme"] === "light" ? "light" : "dark";
      document.documentElement.dataset["colorScheme"] = scheme;
      remember("scheme", scheme);
      for (const other of document.querySelectorAll("button[data-scheme]")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
    });
  }
  for (const button of document.querySelectorAll("button[data-lang]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    button.addEventListener("click", () => {
      remember("lang", button.dataset["lang"] ?? "nb");
      location.reload();
    });
  }
}
