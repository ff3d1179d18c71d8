// What pages need for all readers, beyond what the theme does.

// a page opened as a file may not read the pages that a search finds, to show some lines of them
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

addEventListener("load", () => {
  const article = document.querySelector(".bd-article");
  if (!article) return;

  // formulas in the text that are wider than the text scroll by themselves
  const markWide = () => {
    for (const formula of article.querySelectorAll("mjx-container:not([display])")) {
      const text = formula.closest("p, li, dd, figcaption, h1, h2, h3, h4");
      const width = formula.firstElementChild.getBoundingClientRect().width;
      formula.classList.toggle("wide", text !== null && width > text.clientWidth);
    }
  };

  // what is too wide and scrolls can be scrolled by keyboard
  const SCROLLS = "pre, .pst-scrollable-table-container, mjx-container, .output, .math";
  const letScroll = () => {
    for (const region of article.querySelectorAll(SCROLLS)) {
      const isWide = region.scrollWidth > region.clientWidth;
      const scrolls = ["auto", "scroll"].includes(getComputedStyle(region).overflowX);
      if (isWide && scrolls) region.tabIndex = 0;
      else if (region.tabIndex === 0) region.removeAttribute("tabindex");
    }
  };

  // figures that a narrow screen shows small can be seen in their own size
  const offerToEnlarge = () => {
    for (const figure of article.querySelectorAll("figure:has(img)")) {
      const image = figure.querySelector("img");
      const isSmall = image.clientWidth < 0.8 * image.naturalWidth;
      let button = figure.querySelector("button.enlarge");
      if (isSmall && !button) {
        button = document.createElement("button");
        button.className = "enlarge";
        button.textContent = "Enlarge";
        button.addEventListener("click", () => enlarge(image));
        image.addEventListener("click", (event) => {
          if (button.hidden) return;
          // some are links to themselves
          event.preventDefault();
          enlarge(image);
        });
        (image.closest("a") ?? image).after(button);
      }
      if (button) button.hidden = !isSmall;
    }
  };

  new ResizeObserver(() => {
    markWide();
    letScroll();
    offerToEnlarge();
  }).observe(article);
  for (const folded of article.querySelectorAll("details")) {
    folded.addEventListener("toggle", letScroll);
  }
  showCards(article);
});

// Show an image in its own size, over the page, until it is tapped or Escape is pressed.
function enlarge(image) {
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged";
  dialog.setAttribute("aria-label", "Figure");
  const close = document.createElement("button");
  close.textContent = "Close";
  const large = image.cloneNode();
  large.removeAttribute("style");
  large.removeAttribute("width");
  large.style.width = `${image.naturalWidth}px`;
  const sheet = document.createElement("div");
  sheet.tabIndex = 0;
  sheet.append(large);
  dialog.append(close, sheet);
  document.body.append(dialog);
  dialog.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

// Where a term, a reference or an equation is named, a card tells what it is: to a pointer that
// rests on the link, and to who reaches it by keyboard.
function showCards(article) {
  const card = document.createElement("div");
  card.id = "card";
  card.className = "mathjax_process";
  card.setAttribute("role", "tooltip");
  card.hidden = true;
  document.body.append(card);
  let timer = 0;
  let named = null;

  const hide = () => {
    clearTimeout(timer);
    card.hidden = true;
    named?.removeAttribute("aria-describedby");
  };
  const show = (link) => {
    hide();
    named = link;
    if (link.dataset.card) card.textContent = link.dataset.card;
    else card.replaceChildren(document.getElementById(link.hash.slice(1)).cloneNode(true));
    card.querySelector("[id]")?.removeAttribute("id");
    card.hidden = false;
    link.setAttribute("aria-describedby", "card");
    if (card.textContent.includes("\\(")) MathJax.typesetPromise([card]);
    const at = link.getBoundingClientRect();
    const below = at.bottom + card.offsetHeight + 8 < innerHeight;
    const left = Math.min(at.left, document.documentElement.clientWidth - card.offsetWidth - 8);
    card.style.left = `${Math.max(left, 8) + scrollX}px`;
    card.style.top = `${(below ? at.bottom + 4 : at.top - card.offsetHeight - 4) + scrollY}px`;
  };
  const later = (action, delay) => {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  };

  for (const link of article.querySelectorAll("a.reference.internal")) {
    // a browser would show a title beside the card
    if (link.href.includes("references.html#") && link.title) {
      link.dataset.card = link.title;
      link.removeAttribute("title");
    }
    const isHere = link.hash.startsWith("#equation-") && link.pathname === location.pathname;
    if (!link.dataset.card && !isHere) continue;
    link.addEventListener("mouseenter", () => later(() => show(link), 250));
    link.addEventListener("mouseleave", () => later(hide, 250));
    link.addEventListener("focus", () => show(link));
    link.addEventListener("blur", hide);
  }
  // the pointer may rest on the card, too
  card.addEventListener("mouseenter", () => clearTimeout(timer));
  card.addEventListener("mouseleave", () => later(hide, 250));
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
}
