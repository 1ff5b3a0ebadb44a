/* main.js: which page it is. */

const views = { run: showRun, runs: showRuns, chains: showChains };
document.getElementById("page").replaceChildren(...views[data.kind](data).filter(Boolean), footer());
drawAll();
