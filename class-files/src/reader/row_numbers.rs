//! The row number of each student. Nearly all rows follow each other, so only gaps are stored.

/// The row numbers of students, in the order of adding.
#[derive(Default)]
pub(super) struct RowNumbers {
    /// The first student of each run of rows that follow each other, and that student's row.
    runs: Vec<(usize, u64)>,
    students: usize,
}

impl RowNumbers {
    /// Adds the row of the next student.
    pub(super) fn push(&mut self, row: u64) {
        let follows = self.runs.last().is_some_and(|(first, first_row)| {
            let students = self.students.checked_sub(*first);
            students.and_then(|students| u64::try_from(students).ok())
                == row.checked_sub(*first_row)
        });
        if !follows {
            self.runs.push((self.students, row));
        }
        self.students = self.students.saturating_add(1);
    }

    /// The rows of these students, and of others behind them.
    pub(super) fn join(mut self, others: &Self) -> Self {
        for (first, row) in &others.runs {
            self.runs.push((self.students.saturating_add(*first), *row));
        }
        self.students = self.students.saturating_add(others.students);
        self
    }

    /// The row of a student, counted from 0; of the next one, the row that would follow.
    pub(super) fn get(&self, student: usize) -> Option<u64> {
        let behind = self.runs.partition_point(|(first, _)| *first <= student);
        let (first, row) = self.runs.get(behind.checked_sub(1)?)?;
        let rows = u64::try_from(student.saturating_sub(*first)).ok()?;
        Some(row.saturating_add(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_student_keeps_the_row_of_the_file() {
        let rows = [2, 3, 4, 7, 8, 20, 21, 5];
        let mut numbers = RowNumbers::default();
        rows.iter().for_each(|row| numbers.push(*row));
        let kept: Vec<_> = (0..rows.len()).filter_map(|student| numbers.get(student)).collect();
        assert_eq!(kept, rows);
        assert_eq!(numbers.runs.len(), 4);
        assert_eq!(RowNumbers::default().get(0), None);
        for cut in 0..=rows.len() {
            let (first, second) = rows.split_at(cut);
            let [first, second] = [first, second].map(|rows| {
                let mut numbers = RowNumbers::default();
                rows.iter().for_each(|row| numbers.push(*row));
                numbers
            });
            let joined = first.join(&second);
            let kept: Vec<_> = (0..rows.len()).filter_map(|student| joined.get(student)).collect();
            assert_eq!(kept, rows, "joined after {cut}");
        }
    }
}
