"use strict";
// The page is whole without this. It says when the page is old, fetches a newer one, and adds local times.
(() => {
  const { made, freshS, status, here, live } = document.documentElement.dataset;
  const madeAt = Date.parse(made);
  const isOld = () => Date.now() > madeAt + Number(freshS) * 1000;

  function mark() {
    document.documentElement.classList.toggle("is-stale", isOld());
    document.querySelector(".stale").hidden = !isOld();
  }

  // Only an old page that somebody looks at is replaced, and only when there is a newer one to show. In the
  // demonstration all happens within two minutes: there a newer one is shown at once.
  async function renew() {
    if (!(isOld() || live !== undefined) || document.hidden || location.protocol === "file:") return;
    const answer = await fetch(status, { cache: "no-store" }).catch(() => null);
    if (answer?.ok && Date.parse((await answer.json()).made_at) > madeAt) location.reload();
  }

  function tellLocalTime(time) {
    const at = new Date(time.dateTime);
    if (at.getTimezoneOffset() === 0) return;
    const today = at.toDateString() === new Date().toDateString();
    const words = at.toLocaleString([], {
      ...(today ? {} : { day: "numeric", month: "short" }),
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    const local = document.createElement("span");
    local.className = "local";
    local.textContent = `(${words} ${here ?? "here"})`;
    time.after(" ", local);
  }

  document.querySelectorAll("time[data-local]").forEach(tellLocalTime);
  if (!made) return;
  mark();
  setInterval(() => { mark(); renew(); }, 10_000);
  document.addEventListener("visibilitychange", () => { mark(); renew(); });
})();
