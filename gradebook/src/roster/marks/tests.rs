//! Conversations with the marks of a class: add cells, count them.

use super::*;

fn built(cells: impl IntoIterator<Item = String>) -> Marks {
    let mut builder = MarksBuilder::default();
    for cell in cells {
        let index = builder.index_of(Mark::parse(&cell).unwrap()).unwrap();
        builder.push_row(&[index]);
    }
    builder.finish()
}

fn column(marks: &Marks, columns: usize, n: usize) -> Vec<String> {
    let counted = &marks.count_by_column(columns)[n];
    counted.iter().map(|(mark, times)| format!("{times} x {mark}")).collect()
}

#[test]
fn a_column_counts_its_marks_without_the_blanks() {
    let rows = ["7", "", "7", "3", "", "7", "2.50", "7"];
    let marks = built(rows.map(str::to_owned));
    assert_eq!(column(&marks, 2, 0), ["2 x 7", "1 x 2.5"]);
    assert_eq!(column(&marks, 2, 1), ["2 x 7", "1 x 3"]);
}

#[test]
fn the_different_marks_of_a_column_are_those_that_occur_in_it() {
    let marks = built(["10.50", "", "7", "A", "7", "EX"].map(str::to_owned));
    let columns = marks.by_column(2).map(|column| {
        column.map(|mark| mark.text.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    });
    assert_eq!(columns.collect::<Vec<_>>(), ["10.5 7", " A EX"]);
}

#[test]
fn columns_are_removed_from_every_row() {
    let mut marks = built((0..12).map(|n| n.to_string()));
    marks.retain_columns(4, &[true, false, false, true]);
    let kept: Vec<_> = marks.of(0..6).map(|mark| mark.text.as_str()).collect();
    assert_eq!(kept, ["0", "3", "4", "7", "8", "11"]);
    assert_eq!(marks.of(6..7).count(), 0);
}

#[test]
fn a_word_and_a_status_with_the_same_text_are_different_marks() {
    let mut builder = MarksBuilder::default();
    let excused = builder.index_of(Mark::Excused);
    assert!(excused != builder.index_of(Mark::Letter("EX")));
    assert!(excused == builder.index_of(Mark::Excused));
    assert!(builder.index_of(Mark::Letter("\u{e9}")) != builder.index_of(Mark::Letter("e")));
    let marks = builder.finish();
    let texts: Vec<_> = marks.texts().collect();
    assert_eq!(texts, ["EX", "EX", "e", "e"]);
}

#[test]
fn more_different_marks_than_two_bytes_can_count_are_kept() {
    let marks = built((0..70_000).map(|n| n.to_string()));
    for n in [0, 1, 65_535, 65_536, 69_999] {
        let texts: Vec<_> = marks.of(n..n + 1).map(|mark| mark.text.as_str()).collect();
        assert_eq!(texts, [n.to_string()]);
    }
    assert_eq!(column(&marks, 1, 0).len(), 70_000);
    // The mark 0 once more, in the last row.
    let marks = built((0..70_000).map(|n| (n % 69_993).to_string()));
    assert_eq!(column(&marks, 7, 0).first().unwrap(), "2 x 0");
    assert_eq!(column(&marks, 7, 2).first().unwrap(), "2 x 2");
}

#[test]
fn cells_are_appended_whether_two_bytes_count_their_marks_or_not() {
    let part = |numbers: Range<u32>| {
        let mut builder = MarksBuilder::default();
        for n in numbers {
            let index = builder.index_of(Mark::parse(&n.to_string()).unwrap()).unwrap();
            builder.push_row(&[index]);
        }
        builder
    };
    for numbers in
        [[0..9, 5..14], [0..60_000, 50_000..80_000], [0..70_000, 0..9], [0..9, 0..70_000]]
    {
        let [first, second] = numbers.clone().map(part);
        let mut marks = first;
        marks.append(&second).unwrap();
        let marks = marks.finish();
        let cells = numbers.iter().map(ExactSizeIterator::len).sum();
        let texts: Vec<_> = marks.of(0..cells).map(|mark| mark.text.as_str().to_owned()).collect();
        let expected: Vec<_> = numbers.into_iter().flatten().map(|n| n.to_string()).collect();
        assert!(texts == expected);
    }
}

#[test]
fn marks_of_every_length_are_kept_apart() {
    let texts = ["1", "10", "100", "12345678", "123456789", "0.12345678", "0.123456789", ""];
    let marks = built(texts.map(str::to_owned));
    let kept: Vec<_> = marks.of(0..texts.len()).map(|mark| mark.text.as_str()).collect();
    assert_eq!(kept, texts);
}

#[test]
fn a_spelling_is_recalled_until_another_takes_its_place() {
    let mut builder = MarksBuilder::default();
    let seven = builder.index_of(Mark::parse("7").unwrap()).unwrap();
    let [comma, point] =
        [b"7,0", b"7.0"].map(|text| ShortSpelling::at(text, 0..text.len()).unwrap());
    assert!(builder.recall(comma).is_none());
    builder.remember(comma, seven);
    assert!(builder.recall(comma) == Some(seven) && builder.recall(point).is_none());
}
