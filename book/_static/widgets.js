// Pages with widgets load this first: it says where the widgets' modules are, for pages over http and
// for pages opened as files.
{
  const here = document.currentScript.src;
  const npm = (path) => new URL(`npm/${path}`, here).href;
  const manager = "@jupyter-widgets/html-manager";
  window.require = {
    paths: {
      anywidget: npm("anywidget/index"),
      // the files of the two are in one: this tells them where their fonts are
      [manager]: npm(`${manager}/dist/index`),
      [`${manager}/dist/libembed-amd`]: npm(`${manager}/dist/libembed-amd`),
    },
  };
}
