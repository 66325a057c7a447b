"use strict";
// The page is whole without this. It says when the page is old, fetches a newer one, adds local times, finds and sorts
// accounts, and lets arrow keys walk along the days.
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
    const words = at.toLocaleString(document.documentElement.lang, {
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

  const RANKS = ["down", "partly", "suspected", "unknown", "at_risk", "up"];
  const works = (one) => one.dataset.mark === "up" || one.dataset.mark === "at_risk";

  function offerToFind(find) {
    const [words, only, order] = find.querySelectorAll("input, select");
    const fleet = document.querySelector(".fleet");
    const groups = [...fleet.querySelectorAll(".group")];
    const named = (one) => [...one.querySelectorAll("[data-name]")];
    // A group of which no account is named on this page comes last.
    const worst = (group) => Math.min(RANKS.length, ...named(group).map((one) => RANKS.indexOf(one.dataset.mark)));
    const hasMore = (group) => group.querySelector("div > .more") !== null;
    const name = (group) => group.querySelector("h3").textContent.trim().toLowerCase();
    const compare = {
      worst: (one, other) => worst(one) - worst(other),
      name: (one, other) => name(one).localeCompare(name(other)),
    };

    function show() {
      const asked = words.value.trim().toLowerCase();
      const wanted = (one) => one.dataset.name.toLowerCase().includes(asked)
        && (!only.value || works(one) === (only.value === "works"));
      for (const group of groups) {
        for (const one of named(group)) one.hidden = !wanted(one);
        // Accounts that only the provider's own page names may be what is looked for.
        group.hidden = !hasMore(group) && !named(group).some((one) => !one.hidden);
        for (const fold of group.querySelectorAll(".fold")) fold.open = asked !== "";
      }
    }

    function sort() {
      fleet.append(...(order.value ? [...groups].sort(compare[order.value]) : groups));
    }

    find.hidden = false;
    find.addEventListener("input", show);
    order.addEventListener("change", sort);
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
      event.preventDefault();
      words.focus();
    });
  }

  function walkAlongDays(days) {
    days.forEach((day, at) => {
      day.tabIndex = at === days.length - 1 ? 0 : -1;
      day.addEventListener("keydown", (event) => {
        const next = days[{ ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: days.length - 1 }[event.key]];
        if (!next) return;
        event.preventDefault();
        day.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      });
    });
  }

  document.querySelectorAll(".find").forEach(offerToFind);
  walkAlongDays([...document.querySelectorAll(".days a")]);
  document.querySelectorAll("time[data-local]").forEach(tellLocalTime);
  if (!made) return;
  for (const words of document.querySelectorAll("[data-renews]")) words.hidden = location.protocol === "file:";
  mark();
  setInterval(() => { mark(); renew(); }, 10_000);
  document.addEventListener("visibilitychange", () => { mark(); renew(); });
})();
