"""Known vulnerabilities of what is inside finished artifacts, by the data of https://osv.dev."""
