// A classic script in the head, so that a page in dark colours never flashes light.
(() => {
  const key = "duygu.theme";
  const root = document.documentElement;
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const apply = (theme) => {
    root.dataset.theme = theme;
    document.dispatchEvent(new CustomEvent("theme", { detail: theme }));
  };
  apply(stored() ?? (preferred.matches ? "dark" : "light"));
  preferred.addEventListener("change", () => {
    if (!stored()) apply(preferred.matches ? "dark" : "light");
  });
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const theme = root.dataset.theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem(key, theme);
      } catch {
        // Private windows may forbid storage; the choice then lasts until the page closes.
      }
      apply(theme);
    });
  });
})();
