// Grid of runs and jobs: arrow keys lead from cell to cell. Without scripts Tab does.
(() => {
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  document.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const cell = event.target.closest?.(".grid-table a")?.closest("th, td");
    if (!step || !cell || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const { rows } = cell.closest("table");
    let [row, column] = [cell.parentElement.rowIndex, cell.cellIndex];
    // Cells without a run have no link: they are passed over.
    for (;;) {
      row += step[0];
      column += step[1];
      const next = rows[row]?.cells[column];
      if (!next) return;
      const link = next.querySelector("a");
      if (!link) continue;
      event.preventDefault();
      link.focus();
      return;
    }
  });
})();
