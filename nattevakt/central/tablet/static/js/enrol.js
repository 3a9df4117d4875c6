// The page where a tablet is enrolled with its one-time code. Must not know the board.

import { element, post, say } from "./page.js";
import { preferences } from "./preferences.js";

const form = /** @type {HTMLFormElement} */ (element("enrol"));
const button = /** @type {HTMLButtonElement} */ (element("enrol-send"));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  try {
    const answer = await post("/tablet/enrol", { code: String(new FormData(form).get("code") ?? "") });
    if (answer.status === 200) location.assign("/");
    else element("enrol-failure").textContent = answer.body.message ?? say("no_answer");
  } catch {
    element("enrol-failure").textContent = say("no_answer");
  } finally {
    button.disabled = false;
  }
});
preferences();
