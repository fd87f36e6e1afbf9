// Dates in UTC: parsing, overflow, formatting, setters, the fixed clock.
const d = new Date(2024, 0, 31, 12, 30, 15, 250);
console.log(d.toISOString(), d.getDay(), d.getTimezoneOffset(), +d === d.valueOf());
d.setMonth(1);
console.log(d.toISOString(), new Date(2024, 1, 0).getDate(), new Date(2023, 12, 1).getFullYear());
for (const text of ["2024-03-10", "2024-03-10T02:30", "2024-03-10T02:30:00+02:00", "Sun, 10 Mar 2024 02:30:00 GMT", "nonsense", "2024-13-01"]) {
  console.log(text, Date.parse(text));
}
console.log(String(new Date(0)), new Date(0).toUTCString(), new Date(0).toDateString(), JSON.stringify(new Date(0)));
console.log(new Date(8.64e15).toISOString(), new Date(8.64e15 + 1).getTime(), Date.UTC(99, 0), new Date(-1).toISOString());
try { new Date(NaN).toISOString(); } catch (e) { console.log(e.name); }
[Date.now(), new Date().getUTCFullYear(), new Date(2020, 5) < new Date(2021, 5), typeof Date()];
