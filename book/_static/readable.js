// What pages need for all readers, beyond what the theme does.

// a page opened as a file may not read the pages that a search finds, to show some lines of them
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

addEventListener("load", () => {
  // code that is too wide can be scrolled by keyboard
  const letScroll = (changes) => {
    for (const { target } of changes) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    }
  };
  const codes = new ResizeObserver(letScroll);
  for (const code of document.querySelectorAll("pre")) codes.observe(code);

  // formulas in the text that are wider than the text scroll by themselves
  const markWide = () => {
    for (const formula of document.querySelectorAll(".bd-article mjx-container:not([display])")) {
      const text = formula.closest("p, li, dd, figcaption, h1, h2, h3, h4");
      const width = formula.firstElementChild.getBoundingClientRect().width;
      formula.classList.toggle("wide", text !== null && width > text.clientWidth);
    }
  };
  const article = document.querySelector(".bd-article");
  if (article) new ResizeObserver(markWide).observe(article);
});
