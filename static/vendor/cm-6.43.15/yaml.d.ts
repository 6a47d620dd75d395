// Loaded when a .yaml file opens.
export { yaml as language } from "@codemirror/lang-yaml"
