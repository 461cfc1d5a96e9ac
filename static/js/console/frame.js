// Unfold takes every .chart for a canvas to draw on and stops at ours, which are drawings already.

for (const figure of document.querySelectorAll("figure.chart")) figure.getContext = () => null;

// On small screens every value stands behind its column's heading, which unfold hands over uncapitalised.
for (const cell of document.querySelectorAll("#result_list :is(td, th)[data-label]")) {
    cell.dataset.label = cell.dataset.label.replace(/^./u, (first) => first.toLocaleUpperCase());
}
