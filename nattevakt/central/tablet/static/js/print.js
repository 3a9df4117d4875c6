// The one button of a page that is made for paper: it is there only where it can do what it says.

const button = document.getElementById("print");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
