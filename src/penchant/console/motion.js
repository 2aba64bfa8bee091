// Cards glide from their old place to the new one: each is known by its data-item, whoever drew it.
(() => {
  const places = new Map();
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const where = (card) => {
    const box = card.getBoundingClientRect();
    return { x: box.left + scrollX, y: box.top + scrollY };
  };
  const settle = () => {
    const seen = new Set();
    for (const card of document.querySelectorAll("[data-item]")) {
      const id = card.dataset.item;
      const now = where(card);
      const old = places.get(id);
      seen.add(id);
      places.set(id, now);
      if (still.matches) continue;
      if (!old) {
        card.animate([{ opacity: 0, transform: "scale(.92)" }, { opacity: 1, transform: "none" }],
          { duration: 380, easing: "cubic-bezier(.2,.8,.2,1)" });
      } else if (Math.abs(old.x - now.x) + Math.abs(old.y - now.y) > 2) {
        card.animate([{ transform: `translate(${old.x - now.x}px,${old.y - now.y}px)` }, { transform: "none" }],
          { duration: 520, easing: "cubic-bezier(.2,.8,.2,1)" });
      }
    }
    for (const id of [...places.keys()]) if (!seen.has(id)) places.delete(id);
  };
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; settle(); });
  }).observe(document.body, { childList: true, subtree: true });
  addEventListener("resize", () => places.clear());
})();
