//! One class as every system exports it.

/// A file, and the columns that its shape does not publish.
pub(super) struct Export {
    pub(super) shape: &'static str,
    pub(super) file: &'static str,
    pub(super) text: &'static str,
    pub(super) out_of: [Option<&'static str>; 2],
}

pub(super) const EXPORTS: &[Export] = &[
    Export {
        shape: "plain",
        file: "class.csv",
        text: "Name,ID Number,Lab 1,Lab 2\nAda Able,4001001,9.5,EX\nBo Best,4001002,7,\n",
        out_of: [None, None],
    },
    Export {
        shape: "brightspace",
        file: "grades.csv",
        text: "OrgDefinedId,Username,Last Name,First Name,Email,\
               Lab 1 Points Grade <Numeric MaxPoints:10 Weight:25 Category:Labs CategoryWeight:40>,\
               Lab 2 Points Grade <Numeric MaxPoints:20 Weight:25>,Labs Subtotal Numerator,\
               Labs Subtotal Denominator,Calculated Final Grade Numerator,\
               Adjusted Final Grade Numerator,End-of-Line Indicator\n\
               #4001001,#aable,Able,Ada,a@x.example,9.50,exempt,9,10,9,9,#\n\
               #4001002,#bbest,Best,Bo,b@x.example,7,,7,10,7,7,#\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "canvas",
        file: "canvas.csv",
        text: "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (208548),Lab 2 (208549),Notes,\
               Labs Current Score,Labs Unposted Final Score,Current Score,Final Score\n\
               \x20   Points Possible,,,,,10.0,20.0,,(read only),(read only),(read only),(read only)\n\
               \"Able, Ada\",11,4001001,aable,L1,9.50,EX,,95,95,95,95\n\
               \"Best, Bo\",12,,4001002,L1,7.00,,late,70,70,70,70\n\
               \"Student, Test\",13,,f00,L1,1.0,1.0,,,,,\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "moodle",
        file: "moodle.csv",
        text: "First name,Last name,ID number,Institution,Department,Email address,\
               Assignment: Lab 1 (Real),Assignment: Lab 1 (Percentage),Quiz: Lab 2 (Real),\
               Course total (Real),Last downloaded from this course\n\
               Ada,Able,4001001,,,a@x.example,9.50,95.00 %,EX,9.5,1764000000\n\
               Bo,Best,4001002,,,b@x.example,7.00,70.00 %,-,7,1764000000\n",
        out_of: [None, None],
    },
    Export {
        shape: "moodle",
        file: "moodle-de.csv",
        text: "Vorname;Nachname;ID-Nummer;E-Mail-Adresse;Aufgabe: Lab 1 (Punkte);\
               Aufgabe: Lab 2 (Punkte);Kurs gesamt (Punkte);Zuletzt aus diesem Kurs geladen\n\
               Ada;Able;4001001;a@x.example;9,50;EX;9,50;1764000000\n\
               Bo;Best;4001002;b@x.example;7,00;-;7,00;1764000000\n",
        out_of: [None, None],
    },
    Export {
        shape: "blackboard",
        file: "gc.xls",
        text: "\"Last Name\"\t\"First Name\"\t\"Username\"\t\"Student ID\"\t\"Last Access\"\t\"Availability\"\t\
               \"Lab 1 [Total Pts: 10 Score] |534283\"\t\"Lab 2 [Total Pts: 20 Score] |534284\"\t\
               \"Weighted Total [Total Pts: up to 1,499 Score] |534285\"\n\
               \"Able\"\t\"Ada\"\t\"aable\"\t\"4001001\"\t\"2026-01-05\"\t\"Yes\"\t\"9.5\"\t\"Exempt\"\t\"9\"\n\
               \"Best\"\t\"Bo\"\t\"bbest\"\t\"4001002\"\t\"\"\t\"Yes\"\t\"7.0\"\t\"In Progress\"\t\"7\"\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "gradescope-course",
        file: "gradescope.csv",
        text: "First Name,Last Name,SID,Email,Sections,Lab 1,Lab 1 - Max Points,\
               Lab 1 - Submission Time,Lab 1 - Lateness (H:M:S),Lab 2,Lab 2 - Max Points,\
               Lab 2 - Submission Time,Lab 2 - Lateness (H:M:S),Total Lateness (H:M:S)\n\
               Ada,Able,4001001,a@x,L1,9.5,10.0,2026-01-05 10:00:00,00:00:00,EX,20.0,,,00:00:00\n\
               Bo,Best,4001002,b@x,L1,7.0,10.0,2026-01-05 10:00:00,00:00:00,,20.0,,,00:00:00\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "sakai",
        file: "gradebook.csv",
        text: "Student ID,Student Name,Lab 1 [10],* Lab 1,\"Lab 2 [20,5]\",# Course Grade\n\
               4001001,\"Able, Ada\",9.5,\"Good\",EX,A\n4001002,\"Best, Bo\",7,,,B\n",
        out_of: [Some("10"), Some("20.5")],
    },
    Export {
        shape: "markus",
        file: "summary.csv",
        text: "User Name,Section,Last Name,First Name,ID number,Email,Lab 1,Lab 2,Total\n\
               ,,,,,Out Of,10.0,20.0,30.0\n\
               aable,LEC0101,Able,Ada,4001001,a@x,9.5,EX,9.5\n\
               bbest,LEC0101,Best,Bo,4001002,b@x,7.0,,7.0\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "nbgrader",
        file: "grades.csv",
        text: "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,\
               late_submission_penalty,score,max_score\n\
               Lab 1,,2026-02-25 13:16:26,4001001,Able,Ada,,9.5,0.0,9.5,10.0\n\
               Lab 1,,2026-02-25 13:16:26,4001002,Best,Bo,,7.0,0.0,7.0,10.0\n\
               Lab 2,,2026-02-25 13:16:26,4001001,Able,Ada,,,,EX,20.0\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "submitty",
        file: "report.csv",
        text: "User ID,Given Name,Family Name,Registration Section,Lab 1,Lab 2,Total\n\
               4001001,Ada,Able,1,9.5,EX,9.5\n4001002,Bo,Best,1,7,,7\n",
        out_of: [None, None],
    },
    Export {
        shape: "coursys",
        file: "grades.csv",
        text: "Last name,First name,Userid,Emplid,Lab/Tutorial,Lab 1,Lab 2\n\
               Able,Ada,aable,4001001,D101,9.50,EX\nBest,Bo,bbest,4001002,D101,7.00,\n",
        out_of: [None, None],
    },
    Export {
        shape: "table",
        file: "marks.csv",
        text: "Matrikelnummer|Vorname|Nachname|E-Mail|Lab 1|Lab 2|Average\n\
               4001001|Ada|Able|a@x|9.5/10|EX|9.5\n4001002|Bo|Best|b@x|7/10||7\n",
        out_of: [Some("10"), None],
    },
];

pub(super) const ONE_ROSTER: &[(&str, &str)] = &[
    ("manifest.csv", "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"),
    (
        "users.csv",
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,identifier\n\
         u1,,,true,o,student,aable,,Ada,Able,4001001\nu2,,,true,o,student,4001002,,Bo,Best,\n\
         u3,,,true,o,teacher,tt,,Tea,Cher,\nu4,tobedeleted,,true,o,student,old,,Old,One,4001009\n",
    ),
    (
        "lineItems.csv",
        "sourcedId,status,dateLastModified,title,classSourcedId,resultValueMin,resultValueMax\n\
         l1,,,Lab 1,c,0,10\nl2,,,Lab 2,c,0,20\n",
    ),
    (
        "results.csv",
        "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment\n\
         r1,,,l1,u1,fully graded,9.5,2026-01-05,Good\nr2,,,l1,u2,fully graded,7,2026-01-05,\n\
         r3,,,l2,u1,exempt,0,2026-01-05,\nr4,,,l2,u2,submitted,0,2026-01-05,\n",
    ),
];
