// The one place that names the version of the editor's bundle. `npm run vendor` writes the folder; `prepare` in
// package.json installs the packages whose types the checker reads.
export * from "../../vendor/cm-6.43.15/editor.js"
