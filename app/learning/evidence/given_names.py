"""Given names common in Australia, of many communities: a list of facts, in lower case and without accents.

It decides nothing alone: a name that is not here is still found beside a title or a word such as “client”.
"""

from __future__ import annotations

from app.learning.evidence.word_sets import word_set

# Names that hardly mean anything else.
NAMES = word_set(
    """
    aaliyah aaron abdul abdullah abdi abigail adam adrian agnes ahmad ahmed aidan aisha alan alana alannah albert alex
    alexander alexandra alfie ali alicia alinta alison allira alyssa amal amanda amara amelia amina amir amira amy ana
    anastasia andrea andrew angela angus anh anita anjali ann anna annabelle anne annie anthony antonio anya arjun
    arthur asha ashley athena aurora ayaan ayesha bailey barbara beau ben benjamin bethany billie bindi bianca blake
    bonnie bradley brandon brayden breanna brendan brian bridget brodie brooke bruce bryan byron caitlin callum
    cameron camila carla carlos carmen carol caroline catherine chelsea chen chi chloe chris christine christopher
    claire clara claudia cody colin connor corey craig daniel danielle darcy darren david dawit deborah deepak deng
    denise dennis devi diana diego diya dmitri dominic donna douglas duc duncan dylan ebony edward elaine elena eleni
    eli elijah eliza elizabeth ella ellen ellie elliot emily emma eric erica erin ethan eva evan evelyn evie ezra
    fatima fatuma felicity felix fernando finn fiona francesca gabriel gabriella gareth gary gavin gemma geoff george
    georgia giorgos gianni giulia graeme graham greg gurpreet habib hamish hana hannah hao harjit harold harriet harry
    hassan hayden hayley heather helen henry hieu hiroshi huong hussein ian ibrahim imogen indira ingrid isaac isabel
    isabella isabelle isla ivan jack jackson jacob jacqueline jai jaime jake jakub jamal james jamie jane janelle
    janet jarrah jarrod jasmine jason javier jayden jenna jennifer jenny jeremy jesse jessica jessie jing joanna
    joanne joel john johnny jonathan jordan jorge jose joseph josephine joshua josh juan judith julia julian julie
    jun justin kaitlyn kane karen kate katherine kathleen kathryn katie kayla keanu keira keith kelly kenji kevin
    khadija khalid kim kiara kirra kirsten kristy krystal kumar kyle kylie lachlan lan lara larissa laura lauren layla
    leah lena leo leonie levi liam libby lilly linda linh lisa lochlan logan louis louisa louise luca lucas lucia lucy
    luke lydia mackenzie madeleine madison magdalena mahmoud mai majok malakai mandy manpreet marcus margaret maria
    mariam marie marina mario marlee martin mary maryam mathew matilda matthew maya megan mei melanie melissa mia
    michael michelle miguel mikayla minh miriam mitchell mohamed mohammad mohammed molly monique mustafa nadia naomi
    narelle nasrin natalia natalie natasha nathan neha neil ngoc nguyet nhi niamh nicholas nick nicola nicole nikita
    nikos nina nyah oliver olivia omar oscar owen pablo pamela patricia patrick paula pauline pedro peta peter phoebe
    phuong pooja priya quang quinn rachael rachel rahul raj rajesh ranjit ravi rebecca reza rhys richard riley rita
    robert roberta robyn rodney roger rohan ronan rosemary rosie rowan roxanne russell ryan sabrina sally sam samantha
    samira samuel sandeep sandra sanjay santiago sara sarah sasha scott sean sebastian selina serena shane shannon
    sharon shaun sheila shelley shirin shreya siddharth simon simone siobhan skye sofia solomon sonia sophia sophie
    spencer stacey stella stephanie stephen steven stuart sunil susan suzanne swati talia tamara tamika tane tanya
    tara tarni tegan teresa thanh theo theresa thi thomas thuy tiffany timothy toby tracey trang trent trevor tristan
    tuan tyler uma vanessa vijay viktor vincent wanda warren wei wendy william xavier xin yara yasmin yosef yousef
    yuki yusuf yvonne zac zach zachary zahra zainab zara zeinab zoe
    """
)
# Names that are also words, months, places or makes: only found where something else speaks for a person.
ALSO_WORDS = word_set(
    """
    adelaide amber angel april art austin autumn bill brook charlotte chase christian cliff clay cooper dale dawn dean
    drew faith florence frank gene glen grace grant harper heath holly hope hunter iris ivy jade jay jean jo joy june
    kai kirk lance lee lily mark marshall mason max may melody mercy miles miracle noel norm olive parker pat paris
    pearl penny poppy ray rich river rob robin rose ruby rusty sandy sky sterling sue summer sunny sydney taylor
    ted tim tom tony troy van victor victoria violet wade warwick will
    """
)
