"""Label sets in the teacher's language; `<set>.csv` has the columns label,zh."""
