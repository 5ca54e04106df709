"""A plan carried out: stages that are not there yet are run, and their results published."""
