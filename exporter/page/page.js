// Keeps the page fresh and filters it. Everything is readable without this.
(() => {
  "use strict";
  const find = document.getElementById("find");
  let failedSince = 0;

  const main = () => document.getElementById("node");

  function showAge() {
    const age = document.getElementById("age");
    if (!age) return;
    const seconds = Math.max(0, Math.round(Date.now() / 1000 - Number(age.dataset.taken)));
    age.textContent = failedSince
      ? `exporter not reachable; this is ${seconds} s old`
      : `${seconds} s ago`;
    age.classList.toggle("late", failedSince > 0 || seconds > 3 * Number(main().dataset.every) + 5);
  }

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of document.querySelectorAll("[data-find]")) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch("/", { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = fresh.getElementById("node");
      for (const open of document.querySelectorAll("details[open]")) {
        const same = next.querySelector(`#${CSS.escape(open.id)}`);
        if (same) same.open = true;
      }
      const scrolled = new Map();
      for (const box of document.querySelectorAll("details[open] .scroll")) {
        scrolled.set(box.closest("details").id, [box.scrollLeft, box.scrollTop]);
      }
      const focused = document.activeElement?.closest?.("details")?.id;
      main().replaceChildren(...next.childNodes);
      for (const [id, [left, top]] of scrolled) {
        document.getElementById(id)?.querySelector(".scroll")?.scrollTo(left, top);
      }
      if (focused) document.getElementById(focused)?.querySelector("summary")?.focus({ preventScroll: true });
      document.title = fresh.title;
      failedSince = 0;
      filter();
    } catch {
      failedSince ||= Date.now();
    }
    showAge();
  }

  find.hidden = false;
  find.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== find) {
      event.preventDefault();
      find.focus();
    } else if (event.key === "Escape" && document.activeElement === find) {
      find.value = "";
      filter();
      find.blur();
    }
  });
  showAge();
  setInterval(showAge, 1000);
  setInterval(refresh, Number(main().dataset.every) * 1000);
  document.addEventListener("visibilitychange", refresh);
})();
