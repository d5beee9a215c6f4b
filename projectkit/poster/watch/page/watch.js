"use strict";
// Shows the poster as it is now. Everything that comes from its sources is set as text, never as markup.
(() => {
  const at = (id) => document.getElementById(id);
  const poster = at("poster");

  const show = (view) => {
    at("problem").textContent = view.problem;
    at("problem").hidden = view.problem === "";
    at("warnings").replaceChildren(...view.warnings.map((warning) => {
      const item = document.createElement("li");
      item.textContent = warning;
      return item;
    }));
    at("warnings").hidden = view.warnings.length === 0;
    const size = view.scale > 0 ? `, text of ${view.scale} pt` : "";
    const words = `${view.words} words${size}, built in ${view.seconds} s`;
    at("state").textContent = view.problem === "" ? words : "Not built";
    document.title = view.problem === "" ? "Poster" : "Poster: not built";
    poster.classList.toggle("old", view.problem !== "" && view.scale > 0);
    if (!view.picture) return;
    const next = new Image(); // taken when it is there, so that nothing flickers
    next.onload = () => {
      poster.src = next.src;
      poster.hidden = false;
      poster.dataset.number = view.number;
    };
    next.src = `poster?${view.number}`;
  };

  at("zoom").addEventListener("click", () => {
    const wide = poster.classList.toggle("wide");
    at("zoom").setAttribute("aria-pressed", String(wide));
  });

  const events = new EventSource("events");
  events.onmessage = (event) => show(JSON.parse(event.data));
  events.onerror = () => { at("state").textContent = "The watch has ended; type projectkit poster watch again"; };
})();
