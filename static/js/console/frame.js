// Unfold takes every .chart for a canvas to draw on and stops at ours, which are drawings already.

for (const figure of document.querySelectorAll("figure.chart")) figure.getContext = () => null;
