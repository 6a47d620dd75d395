// Applies the kept theme before the first paint, so a plain script in the head and not a module. See theme.js.
try {
  const choice = JSON.parse(localStorage.getItem("hal9.theme") || "null")
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice
} catch {
  // Storage refused: the system's theme holds.
}
