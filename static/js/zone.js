// Before the first paint: tells the server the browser's time zone, in a cookie (web/account/time_zone.py). A page that
// was made for another zone is loaded again; without cookies it stays in UTC, and says so.
(() => {
  "use strict";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = `browser-time-zone=${zone}`;
  const isTold = () => document.cookie.split("; ").includes(cookie);
  if (!zone || isTold()) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax${secure}`;
  const { follows, zone: shown } = document.documentElement.dataset;
  if (isTold() && follows !== undefined && shown !== zone) location.reload();
})();
